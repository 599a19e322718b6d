import CDatasyncTestMessages
import DatasyncProtobuf
import DatasyncRPC

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What a conformance runner and a server say to each other: messages on the standard streams, each
/// behind its length in four bytes, big-endian. Namespace.
enum CompatHandshake {
  struct Request {
    /// What to show and, where the run has client certificates, to demand; nil: cleartext.
    var credentials: TLSCredentials?
    /// Bytes; 0: the server's own.
    var messageLimit: Int
    /// Whether clients come that speak Connect or gRPC-Web.
    var isWeb: Bool
  }

  enum Fault: Error, CustomStringConvertible {
    case inputEnded
    case malformed
    case withoutCredentials

    var description: String {
      switch self {
      case .inputEnded: "the standard input ended before a ServerCompatRequest"
      case .malformed: "the standard input does not begin with a ServerCompatRequest"
      case .withoutCredentials: "the ServerCompatRequest asks for TLS and holds no server_creds"
      }
    }
  }

  static let maxRequestBytes = 1 << 20

  /// Blocks until the request is there. - Throws: ``Fault``.
  static func readRequest() throws -> Request {
    let prefix = try readInput(4)
    let length = prefix.reduce(0) { $0 << 8 | Int($1) }
    guard length <= maxRequestBytes else { throw Fault.malformed }
    let bytes = try readInput(length)
    do {
      return try bytes.withUnsafeBytes { bytes in
        try MessageArena().decode(
          bytes, with: connectrpc__conformance__v1__server_compat_request__unpack
        ) { request in
          Request(
            credentials: try request.use_tls != 0 ? credentials(in: request) : nil,
            messageLimit: Int(request.message_receive_limit),
            isWeb: request.protocol != CONNECTRPC__CONFORMANCE__V1__PROTOCOL__PROTOCOL_GRPC)
        }
      }
    } catch is MessageArena.Fault {
      throw Fault.malformed
    }
  }

  private static func credentials(
    in request: Connectrpc__Conformance__V1__ServerCompatRequest
  ) throws -> TLSCredentials {
    guard let own = request.server_creds?.pointee else { throw Fault.withoutCredentials }
    let authorities = request.client_tls_cert.array
    return TLSCredentials(
      certificateChain: own.cert.array, privateKey: own.key.array,
      clientAuthorities: authorities.isEmpty ? nil : authorities)
  }

  private static func readInput(_ count: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      var part = [UInt8](repeating: 0, count: count - bytes.count)
      let got = read(STDIN_FILENO, &part, part.count)
      guard got > 0 else { throw Fault.inputEnded }
      bytes += part.prefix(got)
    }
    return bytes
  }

  /// - Parameter certificate: PEM, for the clients to trust; empty: cleartext.
  static func writeResponse(host: String, port: Int, certificate: [UInt8]) {
    let message = MessageArena().encode { arena in
      let response = arena.make(connectrpc__conformance__v1__server_compat_response__init)
      response.pointee.host = arena.bytes(host)
      response.pointee.port = UInt32(clamping: port)
      response.pointee.pem_cert = arena.bytes(certificate)
      return response
    } _: {
      Array($0)
    }
    var output = (0..<4).map { UInt8(truncatingIfNeeded: message.count >> (24 - 8 * $0)) }
    output += message
    var sent = 0
    while sent < output.count {
      let count = output[sent...].withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      guard count > 0 else { return }
      sent += count
    }
  }
}

/// Makes what was printed appear, whoever reads it.
func flushOutput() {
  fflush(nil)
}
