package import Logging
package import NIOCore
import NIOSSL
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The TLS side of a listener: connections take the context of the moment, so that new certificates
/// serve new connections and disturb no old one. Sendable.
///
/// TLS 1.2 at least, with forward secrecy and AEAD alone; ALPN `h2`, on the web `http/1.1` too. Source: RFC 9113 §9.2.
package final class TLSContext: Sendable {
  private struct Material: Sendable {
    let context: NIOSSLContext
    /// Of listeners on which HTTP/1.1 is spoken too.
    let webContext: NIOSSLContext
    let chain: [NIOSSLCertificate]
    let authorities: [NIOSSLCertificate]
    /// Nil: chains are verified.
    let pinned: PinnedCertificates?
  }

  private let material: Mutex<Material>
  /// The time that a handshake may take.
  package let handshakeTimeout: TimeAmount

  /// - Throws: ``TLSCredentials/Fault``.
  package init(
    _ credentials: TLSCredentials, handshakeTimeout: TimeAmount = .seconds(10)
  ) throws(TLSCredentials.Fault) {
    material = Mutex(try TLSContext.make(credentials))
    self.handshakeTimeout = handshakeTimeout
  }

  /// Takes new credentials for the connections to come; where they are faulty, the old ones stay.
  package func reload(_ credentials: TLSCredentials) throws(TLSCredentials.Fault) {
    let new = try TLSContext.make(credentials)
    material.withLock { $0 = new }
  }

  /// For a connection that has come.
  func makeHandler(isWeb: Bool = false) -> NIOSSLServerHandler {
    let material = material.withLock { $0 }
    let context = isWeb ? material.webContext : material.context
    guard let pinned = material.pinned else {
      return NIOSSLServerHandler(context: context)
    }
    return NIOSSLServerHandler(context: context) { chain, result in
      result.succeed(pinned.accept(chain) ? .certificateVerified : .failed)
    }
  }

  /// Says what is wrong with the certificates that serve now, and works all the same.
  package func report(to logger: Logger) {
    let material = material.withLock { $0 }
    CertificateTime.report(material.chain, at: time(nil), to: logger)
    guard material.pinned == nil else { return }
    for certificate in material.authorities where PinnedCertificates.maySignNone(certificate) {
      logger.warning(
        "a certificate of --tls-client-ca may sign no other, and stands beside authorities: it is not accepted",
        metadata: [
          "subject": "\(CertificateSubject.text(of: certificate) ?? "")",
          "do": "have an authority sign it, or give a file of such certificates alone",
        ])
    }
  }

  private static func make(
    _ credentials: TLSCredentials
  ) throws(TLSCredentials.Fault) -> Material {
    let chain = try certificates(credentials.certificateChain, of: .certificateChain)
    guard let key = try? NIOSSLPrivateKey(bytes: credentials.privateKey, format: .pem) else {
      throw .unreadable(.privateKey)
    }
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
    var authorities: [NIOSSLCertificate] = []
    if let bytes = credentials.clientAuthorities {
      authorities = try certificates(bytes, of: .clientAuthorities)
      configuration.trustRoots = .certificates(authorities)
      configuration.certificateVerification = .noHostnameVerification
    }
    var web = configuration
    web.applicationProtocols = ["h2", "http/1.1"]
    do {
      return Material(
        context: try NIOSSLContext(configuration: configuration),
        webContext: try NIOSSLContext(configuration: web), chain: chain,
        authorities: authorities,
        pinned: authorities.isEmpty ? nil : PinnedCertificates(authorities))
    } catch {
      throw .mismatch(error)
    }
  }

  /// At least one.
  private static func certificates(
    _ bytes: [UInt8], of part: TLSCredentials.Part
  ) throws(TLSCredentials.Fault) -> [NIOSSLCertificate] {
    guard let found = try? NIOSSLCertificate.fromPEMBytes(bytes), !found.isEmpty else {
      throw .unreadable(part)
    }
    return found
  }
}
