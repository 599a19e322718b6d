import DatasyncHTTP2
import NIOCore
import NIOSSL

/// A connection as it is at one moment, for other event loops. A value.
struct SocketSnapshot: Sendable {
  let id: Int
  let traffic: ConnectionTraffic
  let windows: (local: Int, remote: Int)?
  let local: SocketAddress?
  let remote: SocketAddress?
  let remoteName: String
  let isSecure: Bool
  /// In DER; nil: the client showed none.
  let certificate: [UInt8]?

  /// On the connection's event loop.
  init(_ connection: ServerConnection) {
    id = connection.id
    traffic = connection.http2.traffic
    windows = connection.http2.windows
    let channel = connection.http2.channel
    local = channel?.localAddress
    remote = channel?.remoteAddress
    remoteName = connection.peer.certificateSubject ?? ""
    isSecure = connection.options.tls != nil
    certificate =
      isSecure
      ? try? channel?.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self)
        .peerCertificate?.toDERBytes()
      : nil
  }
}
