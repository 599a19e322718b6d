package import DatasyncHTTP2
package import NIOCore

/// Every limit of the server, with defaults that hold on the open network. A value. Those of HTTP/2
/// are read and written here by their own names: `options.maxConcurrentStreams`.
@dynamicMemberLookup
package struct RPCOptions: Sendable {
  /// The limits of each connection. Where its budget is nil, the server makes one of
  /// ``maxBufferedBytes``.
  package var http2 = HTTP2Options()
  /// One message, received, as it came and decompressed.
  package var maxMessageBytes = 4 << 20
  /// Whether answers are compressed for a client that accepts it and does not compress itself.
  package var compressesResponses = false
  /// In all, with those in the TLS handshake; one more is closed as soon as it is accepted.
  package var maxConnections = 10_000
  /// nil: cleartext.
  package var tls: TLSContext?
  /// From one IP address.
  package var maxConnectionsPerAddress = 1_000
  /// What all connections together may hold for clients that do not take it; beyond it each may
  /// hold ``HTTP2Options/bufferedBytesShare``.
  package var maxBufferedBytes = 512 << 20
  /// What clients have sent and no call is done with: messages that are not whole yet or wait, and
  /// requests that run. Beyond it each connection may hold ``HTTP2Options/bufferedBytesShare``; what
  /// does not fit is refused.
  package var maxRequestBytes = 512 << 20
  /// The same for one connection, also where others hold little.
  package var maxRequestBytesPerConnection = 64 << 20
  var requestBudget: BufferBudget?
  /// Nil: event loops write all answers.
  var largeAnswers: LargeAnswers?
  /// For calls that run when the server shuts down.
  package var drainGrace = TimeAmount.seconds(30)
  /// Connections that the kernel holds before they are accepted.
  package var backlog = 1024
  /// What is spoken besides gRPC on the listeners that are for it; nil: nothing.
  package var web: WebOptions?
  /// For requests that are no calls; `/` is the server's, for ``greeting``.
  package var routes = RouteTable()
  /// In answer to `GET /`.
  package var greeting = """
    This is a gRPC server. List its services, then describe one and call it:
      grpcurl -plaintext HOST:PORT list
      grpcurl -plaintext HOST:PORT describe SERVICE

    """

  package init() {}

  /// The time in which a peer that is owed bytes must take some; HTTP2Options has the same.
  package var peerWriteTimeout: TimeAmount {
    get { http2.writeTimeout }
    set { http2.writeTimeout = newValue }
  }

  /// The time for a TLS handshake, and after it for preface and SETTINGS.
  package var peerHandshakeTimeout: TimeAmount { http2.handshakeTimeout }

  package subscript<T>(dynamicMember path: WritableKeyPath<HTTP2Options, T>) -> T {
    get { http2[keyPath: path] }
    set { http2[keyPath: path] = newValue }
  }
}
