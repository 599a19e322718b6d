import CDatasyncGRPCMessages
import DatasyncProtobuf
package import DatasyncRPC
import NIOCore

/// grpc.channelz.v1.Channelz: the server, its connections and their counts. Sendable.
///
/// There is one server and no client in it, so that channels are not to be found. Who is connected
/// is told only on the machine itself.
/// Source: `proto/grpc/channelz/v1/channelz.proto`.
package struct ChannelzService: Sendable {
  /// Of the entries in one answer, where the request names no number or a larger one.
  static let maxResults = 100

  /// The server holds the service, not the other way round.
  private let server: @Sendable () -> RPCServer?

  /// The server is not held; once it is gone, calls end with UNAVAILABLE.
  package init(server: RPCServer) {
    self.server = { [weak server] in server }
  }

  /// For the registry. Every method answers peers on the loopback interface alone.
  package var service: Service {
    Service(
      name: "grpc.channelz.v1.Channelz",
      methods: [
        method("GetTopChannels") { _, _ in .success(.answer(Self.noChannels)) },
        method("GetServers", getServers),
        method("GetServer", getServer),
        method("GetServerSockets", getServerSockets),
        method("GetSocket", getSocket),
        method("GetChannel") { _, _ in .failure(Status(.notFound, "the server has no channels")) },
        method("GetSubchannel") { _, _ in
          .failure(Status(.notFound, "the server has no subchannels"))
        },
      ])
  }

  // MARK: - Methods

  enum Reply {
    case answer(ByteBuffer)
    /// What other event loops know.
    case later(EventLoopFuture<ByteBuffer>)
  }

  private func method(
    _ name: String,
    _ respond: @escaping @Sendable (ByteBuffer, Context) -> Result<Reply, Status>
  ) -> Method {
    Method(name: name) { call in
      ChannelzCall(call) { message in
        guard call.peer.isLoopback else {
          return .failure(
            Status(.permissionDenied, "channelz answers the loopback interface alone"))
        }
        guard let server = server() else {
          return .failure(Status(.unavailable, "the server is shutting down"))
        }
        return respond(message, Context(server: server, eventLoop: call.eventLoop))
      }
    }
  }

  struct Context {
    let server: RPCServer
    let eventLoop: any EventLoop
  }

  @Sendable
  private func getServers(_ message: ByteBuffer, _ context: Context) -> Result<Reply, Status> {
    guard
      let first = ChannelzRequest.read(
        message, grpc__channelz__v1__get_servers_request__unpack, { Int($0.start_server_id) })
    else { return .failure(ChannelzRequest.malformed) }
    let server = context.server
    guard first <= server.id else {
      return .success(.answer(ChannelzMessages.servers([])))
    }
    let listeners = server.listeners
    return .success(
      .later(
        server.callCounts(on: context.eventLoop).map {
          ChannelzMessages.servers([.init(id: server.id, counts: $0, listeners: listeners)])
        }))
  }

  @Sendable
  private func getServer(_ message: ByteBuffer, _ context: Context) -> Result<Reply, Status> {
    guard
      let id = ChannelzRequest.read(
        message, grpc__channelz__v1__get_server_request__unpack, { Int($0.server_id) })
    else { return .failure(ChannelzRequest.malformed) }
    let server = context.server
    guard id == server.id else { return .failure(Self.unknown("server", id)) }
    let listeners = server.listeners
    return .success(
      .later(
        server.callCounts(on: context.eventLoop).map {
          ChannelzMessages.server(.init(id: id, counts: $0, listeners: listeners))
        }))
  }

  @Sendable
  private func getServerSockets(
    _ message: ByteBuffer, _ context: Context
  ) -> Result<Reply, Status> {
    guard
      let request = ChannelzRequest.read(
        message, grpc__channelz__v1__get_server_sockets_request__unpack,
        { (id: Int($0.server_id), first: Int($0.start_socket_id), max: Int($0.max_results)) })
    else { return .failure(ChannelzRequest.malformed) }
    guard request.id == context.server.id else {
      return .failure(Self.unknown("server", request.id))
    }
    guard request.max >= 0 else {
      return .failure(Status(.invalidArgument, "max_results is negative"))
    }
    let max = request.max == 0 ? Self.maxResults : min(request.max, Self.maxResults)
    let (ids, isEnd) = context.server.connectionIDs(from: request.first, max: max)
    return .success(.answer(ChannelzMessages.sockets(ids, isEnd: isEnd)))
  }

  @Sendable
  private func getSocket(_ message: ByteBuffer, _ context: Context) -> Result<Reply, Status> {
    guard
      let id = ChannelzRequest.read(
        message, grpc__channelz__v1__get_socket_request__unpack, { Int($0.socket_id) })
    else { return .failure(ChannelzRequest.malformed) }
    if let listener = context.server.listeners.first(where: { $0.id == id }) {
      return .success(.answer(ChannelzMessages.socket(listener)))
    }
    guard let socket = context.server.socket(id: id, on: context.eventLoop) else {
      return .failure(Self.unknown("socket", id))
    }
    return .success(.later(socket.map { ChannelzMessages.socket($0) }))
  }

  private static func unknown(_ kind: String, _ id: Int) -> Status {
    Status(.notFound, "there is no \(kind) with the id \(id)")
  }

  private static let noChannels = MessageArena().encode { arena in
    let response = arena.make(grpc__channelz__v1__get_top_channels_response__init)
    response.pointee.end = 1
    return response
  } _: {
    ByteBuffer(bytes: $0)
  }
}

/// Namespace.
enum ChannelzRequest {
  static let malformed = Status(.internal, "the request is no message of channelz")

  /// Nil: malformed.
  static func read<Message, Value>(
    _ message: ByteBuffer, _ unpack: MessageArena.Unpack<Message>, _ body: (Message) -> Value
  ) -> Value? {
    message.withUnsafeReadableBytes { bytes in
      try? MessageArena().decode(bytes, with: unpack, body)
    }
  }
}

/// One call; its answer may come from another loop. Loop-bound.
private final class ChannelzCall: CallHandler {
  private let call: ServerCall
  private let respond: (ByteBuffer) -> Result<ChannelzService.Reply, Status>

  init(
    _ call: ServerCall,
    _ respond: @escaping (ByteBuffer) -> Result<ChannelzService.Reply, Status>
  ) {
    self.call = call
    self.respond = respond
  }

  func received(_ message: ByteBuffer, wasCompressed: Bool) {
    switch respond(message) {
    case .success(.answer(let answer)):
      finish(.success(answer))
    case .success(.later(let answer)):
      answer.assumeIsolated().whenComplete { self.finish($0) }
    case .failure(let status):
      call.finish(status)
    }
  }

  private func finish(_ result: Result<ByteBuffer, any Error>) {
    switch result {
    case .success(let answer):
      call.send(answer)
      call.finish(.ok)
    case .failure:
      call.finish(Status(.unavailable, "the server is shutting down"))
    }
  }

  func halfClosed() {}
  func cancelled(_ cause: CancellationCause) {}
}
