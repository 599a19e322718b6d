package import NIOCore
package import NIOSSL
import Synchronization

/// What a TLS listener shows and demands: PEM, as files hold it. A value.
package struct TLSCredentials: Sendable {
  /// The server's certificate, then the intermediate ones.
  package var certificateChain: [UInt8]
  package var privateKey: [UInt8]
  /// Authorities of client certificates; empty: clients need none.
  package var clientAuthorities: [UInt8]

  package init(certificateChain: [UInt8], privateKey: [UInt8], clientAuthorities: [UInt8] = []) {
    self.certificateChain = certificateChain
    self.privateKey = privateKey
    self.clientAuthorities = clientAuthorities
  }
}

/// The TLS side of a listener: connections take the context of the moment, so that new certificates
/// serve new connections and disturb no old one. Sendable.
///
/// TLS 1.2 at least, with forward secrecy and AEAD alone; ALPN `h2`. Source: RFC 9113 §9.2,
/// WIRE §1.4.
package final class TLSContext: Sendable {
  private let context: Mutex<NIOSSLContext>
  /// The time that a handshake may take.
  package let handshakeTimeout: TimeAmount

  /// - Throws: NIOSSLError, where a certificate or key cannot be read or they do not belong together.
  package init(_ credentials: TLSCredentials, handshakeTimeout: TimeAmount = .seconds(10)) throws {
    context = Mutex(try TLSContext.make(credentials))
    self.handshakeTimeout = handshakeTimeout
  }

  /// Takes new credentials for the connections to come; where they are faulty, the old ones stay.
  package func reload(_ credentials: TLSCredentials) throws {
    let new = try TLSContext.make(credentials)
    context.withLock { $0 = new }
  }

  package var current: NIOSSLContext { context.withLock { $0 } }

  private static func make(_ credentials: TLSCredentials) throws -> NIOSSLContext {
    let chain = try NIOSSLCertificate.fromPEMBytes(credentials.certificateChain)
    let key = try NIOSSLPrivateKey(bytes: credentials.privateKey, format: .pem)
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
    configuration.minimumTLSVersion = .tlsv12
    configuration.applicationProtocols = ["h2"]
    configuration.cipherSuiteValues = [
      .TLS_AES_128_GCM_SHA256, .TLS_AES_256_GCM_SHA384, .TLS_CHACHA20_POLY1305_SHA256,
      .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
      .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
      .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
      .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ]
    if !credentials.clientAuthorities.isEmpty {
      let authorities = try NIOSSLCertificate.fromPEMBytes(credentials.clientAuthorities)
      configuration.trustRoots = .certificates(authorities)
      configuration.certificateVerification = .noHostnameVerification
    }
    return try NIOSSLContext(configuration: configuration)
  }
}
