import CDatasyncGRPCMessages
import CDatasyncMessages
import DatasyncHTTP2
import DatasyncProtobuf
import DatasyncRPC
import NIOCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Writes channelz's answers. Namespace.
enum ChannelzMessages {
  struct ServerEntry {
    let id: Int
    let counts: CallCounts
    let listeners: [RPCServer.Listener]
  }

  // MARK: - Servers

  static func servers(_ servers: [ServerEntry]) -> ByteBuffer {
    encode { arena in
      let response = arena.make(grpc__channelz__v1__get_servers_response__init)
      response.pointee.n_server = servers.count
      response.pointee.server = arena.array(servers) { make($0, arena) }
      response.pointee.end = 1
      return response
    }
  }

  static func server(_ server: ServerEntry) -> ByteBuffer {
    encode { arena in
      let response = arena.make(grpc__channelz__v1__get_server_response__init)
      response.pointee.server = make(server, arena)
      return response
    }
  }

  private static func make(
    _ entry: ServerEntry, _ arena: MessageArena
  ) -> UnsafeMutablePointer<Grpc__Channelz__V1__Server>? {
    let server = arena.make(grpc__channelz__v1__server__init)
    let own = arena.make(grpc__channelz__v1__server_ref__init)
    own.pointee.server_id = Int64(entry.id)
    server.pointee.ref = own
    let data = arena.make(grpc__channelz__v1__server_data__init)
    data.pointee.calls_started = Int64(entry.counts.started)
    data.pointee.calls_succeeded = Int64(entry.counts.succeeded)
    data.pointee.calls_failed = Int64(entry.counts.failed)
    data.pointee.last_call_started_timestamp = timestamp(entry.counts.lastStarted, arena)
    server.pointee.data = data
    server.pointee.n_listen_socket = entry.listeners.count
    server.pointee.listen_socket = arena.array(entry.listeners) {
      ref($0.id, $0.address.map(text) ?? "", arena)
    }
    return server
  }

  // MARK: - Sockets

  static func sockets(_ ids: ArraySlice<Int>, isEnd: Bool) -> ByteBuffer {
    encode { arena in
      let response = arena.make(grpc__channelz__v1__get_server_sockets_response__init)
      response.pointee.n_socket_ref = ids.count
      response.pointee.socket_ref = arena.array(ids) { ref($0, "", arena) }
      response.pointee.end = isEnd ? 1 : 0
      return response
    }
  }

  static func socket(_ listener: RPCServer.Listener) -> ByteBuffer {
    encode { arena in
      let local = listener.address
      let socket = arena.make(grpc__channelz__v1__socket__init)
      socket.pointee.ref = ref(listener.id, local.map(text) ?? "", arena)
      socket.pointee.data = arena.make(grpc__channelz__v1__socket_data__init)
      socket.pointee.local = address(local, arena)
      return response(socket, arena)
    }
  }

  static func socket(_ snapshot: SocketSnapshot) -> ByteBuffer {
    encode { arena in
      let socket = arena.make(grpc__channelz__v1__socket__init)
      socket.pointee.ref = ref(snapshot.id, snapshot.remote.map(text) ?? "", arena)
      socket.pointee.data = data(snapshot, arena)
      socket.pointee.local = address(snapshot.local, arena)
      socket.pointee.remote = address(snapshot.remote, arena)
      socket.pointee.remote_name = arena.bytes(snapshot.remoteName)
      if snapshot.isSecure {
        let tls = arena.make(grpc__channelz__v1__security__tls__init)
        tls.pointee.remote_certificate = arena.bytes(snapshot.certificate ?? [])
        let security = arena.make(grpc__channelz__v1__security__init)
        security.pointee.model_case = GRPC__CHANNELZ__V1__SECURITY__MODEL_TLS
        security.pointee.tls = tls
        socket.pointee.security = security
      }
      return response(socket, arena)
    }
  }

  private static func response(
    _ socket: UnsafeMutablePointer<Grpc__Channelz__V1__Socket>, _ arena: MessageArena
  ) -> UnsafeMutablePointer<Grpc__Channelz__V1__GetSocketResponse> {
    let response = arena.make(grpc__channelz__v1__get_socket_response__init)
    response.pointee.socket = socket
    return response
  }

  private static func data(
    _ snapshot: SocketSnapshot, _ arena: MessageArena
  ) -> UnsafeMutablePointer<Grpc__Channelz__V1__SocketData> {
    let data = arena.make(grpc__channelz__v1__socket_data__init)
    let traffic = snapshot.traffic
    data.pointee.streams_started = Int64(traffic.streamsStarted)
    data.pointee.streams_succeeded = Int64(traffic.streamsSucceeded)
    data.pointee.streams_failed = Int64(traffic.streamsFailed)
    data.pointee.messages_sent = Int64(traffic.messagesSent)
    data.pointee.messages_received = Int64(traffic.messagesReceived)
    data.pointee.keep_alives_sent = Int64(traffic.keepalivesSent)
    data.pointee.last_remote_stream_created_timestamp = timestamp(traffic.lastStreamStarted, arena)
    data.pointee.last_message_sent_timestamp = timestamp(traffic.lastMessageSent, arena)
    data.pointee.last_message_received_timestamp = timestamp(traffic.lastMessageReceived, arena)
    if let windows = snapshot.windows {
      data.pointee.local_flow_control_window = number(windows.local, arena)
      data.pointee.remote_flow_control_window = number(windows.remote, arena)
    }
    return data
  }

  // MARK: - Parts

  private static func encode<Message>(
    _ build: (MessageArena) -> UnsafeMutablePointer<Message>
  ) -> ByteBuffer {
    MessageArena().encode(building: build) { ByteBuffer(bytes: $0) }
  }

  private static func ref(
    _ id: Int, _ name: String, _ arena: MessageArena
  ) -> UnsafeMutablePointer<Grpc__Channelz__V1__SocketRef>? {
    let ref = arena.make(grpc__channelz__v1__socket_ref__init)
    ref.pointee.socket_id = Int64(id)
    ref.pointee.name = arena.bytes(name)
    return ref
  }

  private static func text(_ address: SocketAddress) -> String {
    let host = address.ipAddress ?? ""
    return (address.protocol == .inet6 ? "[\(host)]" : host) + ":\(address.port ?? 0)"
  }

  private static func address(
    _ source: SocketAddress?, _ arena: MessageArena
  ) -> UnsafeMutablePointer<Grpc__Channelz__V1__Address>? {
    guard let source else { return nil }
    // Where sockaddr_in and sockaddr_in6 have the address, in bytes.
    let place: Range<Int>
    switch source.protocol {
    case .inet: place = 4..<8
    case .inet6: place = 8..<24
    default: return nil
    }
    let tcp = arena.make(grpc__channelz__v1__address__tcp_ip_address__init)
    tcp.pointee.ip_address = source.withSockAddr { address, size in
      let bytes = UnsafeRawBufferPointer(start: address, count: size)
      return arena.bytes(UnsafeRawBufferPointer(rebasing: bytes[place]))
    }
    tcp.pointee.port = Int32(clamping: source.port ?? 0)
    let address = arena.make(grpc__channelz__v1__address__init)
    address.pointee.address_case = GRPC__CHANNELZ__V1__ADDRESS__ADDRESS_TCPIP_ADDRESS
    address.pointee.tcpip_address = tcp
    return address
  }

  private static func number(
    _ value: Int, _ arena: MessageArena
  ) -> UnsafeMutablePointer<Google__Protobuf__Int64Value> {
    let number = arena.make(google__protobuf__int64_value__init)
    number.pointee.value = Int64(value)
    return number
  }

  /// The clock's time of a moment that is kept on the loop's clock.
  private static func timestamp(
    _ moment: NIODeadline?, _ arena: MessageArena
  ) -> UnsafeMutablePointer<Google__Protobuf__Timestamp>? {
    guard let moment else { return nil }
    var clock = timespec()
    clock_gettime(CLOCK_REALTIME, &clock)
    let age = (NIODeadline.now() - moment).nanoseconds
    let nanoseconds = Int64(clock.tv_sec) * 1_000_000_000 + Int64(clock.tv_nsec) - age
    let timestamp = arena.make(google__protobuf__timestamp__init)
    timestamp.pointee.seconds = nanoseconds / 1_000_000_000
    timestamp.pointee.nanos = Int32(nanoseconds % 1_000_000_000)
    return timestamp
  }
}
