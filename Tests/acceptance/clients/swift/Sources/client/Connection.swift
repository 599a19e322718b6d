import CNghttp2
import Glibc

/// An HTTP/2 connection without TLS. Blocking; for one thread.
final class Connection {
  private let socket: Int32
  private let address: String
  private var session: OpaquePointer?
  private var calls: [Int32: Call] = [:]

  /// How long the client waits for anything to come.
  private static let patience = timeval(tv_sec: 20, tv_usec: 0)

  /// - Parameter address: `127.0.0.1:50051`.
  init(to address: String) throws {
    let parts = address.split(separator: ":")
    guard parts.count == 2, let port = UInt16(parts[1]) else {
      throw Failure("\(address) is no address")
    }
    self.address = address
    socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var patience = Connection.patience
    setsockopt(
      socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    var target = sockaddr_in()
    target.sin_family = sa_family_t(AF_INET)
    target.sin_port = port.bigEndian
    inet_pton(AF_INET, String(parts[0]), &target.sin_addr)
    let connected = withUnsafePointer(to: &target) { target in
      target.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try expect(connected == 0, "cannot connect to \(address)")
    try greet()
  }

  deinit {
    nghttp2_session_del(session)
    close(socket)
  }

  private func greet() throws {
    var callbacks: OpaquePointer?
    nghttp2_session_callbacks_new(&callbacks)
    defer { nghttp2_session_callbacks_del(callbacks) }
    nghttp2_session_callbacks_set_on_header_callback(callbacks) {
      _, frame, name, nameCount, value, valueCount, _, context in
      guard let frame, let call = found(frame.pointee.hd.stream_id, context) else { return 0 }
      call.received(field: text(name, nameCount), text(value, valueCount))
      return 0
    }
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) {
      _, _, id, bytes, count, context in
      found(id, context)?.received(UnsafeRawBufferPointer(start: bytes, count: count))
      return 0
    }
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, id, _, context in
      found(id, context)?.closed()
      return 0
    }
    let context = Unmanaged.passUnretained(self).toOpaque()
    try check(nghttp2_session_client_new(&session, callbacks, context), "a session")
    try check(nghttp2_submit_settings(session, 0, nil, 0), "settings")
    try flush()
  }

  fileprivate func call(_ id: Int32) -> Call? { calls[id] }

  // MARK: - Calls

  func begin(_ call: Call, _ path: String) throws -> Int32 {
    let fields = [
      (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", address),
      ("content-type", "application/grpc+proto"), ("te", "trailers"), ("grpc-timeout", "20S"),
    ]
    var body = nghttp2_data_provider()
    body.read_callback = { _, id, buffer, count, flags, _, context in
      guard let context, let buffer, let flags,
        let call = Unmanaged<Connection>.fromOpaque(context).takeUnretainedValue().call(id)
      else { return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
      return call.take(
        UnsafeMutableRawBufferPointer(start: buffer, count: count), &flags.pointee)
    }
    let id = withFields(fields) { fields in
      nghttp2_submit_request(session, nil, fields.baseAddress, fields.count, &body, nil)
    }
    try check(min(id, 0), "a request")
    calls[id] = call
    try flush()
    return id
  }

  /// More of a call's body is there.
  func resume(_ call: Call) throws {
    _ = nghttp2_session_resume_data(session, call.id)
    try flush()
  }

  func cancel(_ call: Call) throws {
    try check(
      nghttp2_submit_rst_stream(
        session, UInt8(NGHTTP2_FLAG_NONE.rawValue), call.id, NGHTTP2_CANCEL.rawValue), "a reset")
    try flush()
  }

  private func withFields<Result>(
    _ fields: [(String, String)], _ body: (UnsafeBufferPointer<nghttp2_nv>) -> Result
  ) -> Result {
    // nghttp2 copies them before it returns.
    var bytes = fields.flatMap { Array($0.0.utf8) + Array($0.1.utf8) }
    return bytes.withUnsafeMutableBufferPointer { bytes in
      var rest = bytes.baseAddress
      let pairs = fields.map { name, value in
        let start = rest
        let end = start.map { $0 + name.utf8.count }
        rest = end.map { $0 + value.utf8.count }
        return nghttp2_nv(
          name: start, value: end, namelen: name.utf8.count, valuelen: value.utf8.count, flags: 0)
      }
      return pairs.withUnsafeBufferPointer(body)
    }
  }

  // MARK: - Bytes

  /// Waits for bytes, takes them in, and sends what there is to say to them.
  func exchange() throws {
    var buffer = [UInt8](repeating: 0, count: 16_384)
    let count = recv(socket, &buffer, buffer.count, 0)
    try expect(count > 0, count == 0 ? "the server hung up" : "nothing came: \(errno)")
    let taken = nghttp2_session_mem_recv(session, buffer, count)
    try expect(taken == count, "what came is no HTTP/2: \(taken)")
    try flush()
  }

  private func flush() throws {
    while true {
      var bytes: UnsafePointer<UInt8>?
      let count = nghttp2_session_mem_send(session, &bytes)
      try expect(count >= 0, "nghttp2 cannot send: \(count)")
      guard count > 0, let bytes else { return }
      var sent = 0
      while sent < count {
        let written = send(socket, bytes + sent, count - sent, Int32(MSG_NOSIGNAL))
        try expect(written > 0, "cannot send: \(errno)")
        sent += written
      }
    }
  }

  private func check(_ code: Int32, _ what: String) throws {
    try expect(code == 0, "nghttp2 refuses \(what): \(code)")
  }
}

private func found(_ id: Int32, _ context: UnsafeMutableRawPointer?) -> Call? {
  context.flatMap { Unmanaged<Connection>.fromOpaque($0).takeUnretainedValue().call(id) }
}

private func text(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> String {
  String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
}
