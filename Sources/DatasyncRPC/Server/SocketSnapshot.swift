package import DatasyncHTTP2
package import NIOCore
import NIOSSL

/// A connection as it is at one moment, for other event loops. A value.
package struct SocketSnapshot: Sendable {
  /// Of its connection, in the process.
  package let id: Int
  package let traffic: ConnectionTraffic
  /// HTTP/2's, in bytes; nil: the connection has ended.
  package let windows: (local: Int, remote: Int)?
  /// Nil as ``remote`` is: the connection has ended.
  package let local: SocketAddress?
  package let remote: SocketAddress?
  /// From the certificate; empty: there is none.
  package let remoteName: String
  /// Whether it goes through TLS.
  package let isSecure: Bool
  /// In DER; nil: the client showed none.
  package let certificate: [UInt8]?

  /// On the connection's event loop.
  init(_ connection: ServerConnection) {
    id = connection.id
    traffic = connection.link.traffic
    windows = connection.link.windows
    let channel = connection.link.channel
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
