import CNghttp2
import SwiftProtobuf

/// One gRPC call: messages out, messages in, and how it ended. Confined to its connection's thread.
final class Call {
  private unowned let connection: Connection
  fileprivate(set) var id: Int32 = 0
  fileprivate var outgoing: [UInt8] = []
  fileprivate var isFinished = false
  fileprivate var incoming: [UInt8] = []
  /// Header fields and trailers alike.
  fileprivate(set) var fields: [String: String] = [:]
  fileprivate var isClosed = false

  init(_ path: String, on connection: Connection) throws {
    self.connection = connection
    id = try connection.begin(self, path)
  }

  // MARK: - The client's side

  func send(_ message: some Message) throws {
    let bytes: [UInt8] = try message.serializedBytes()
    let count = UInt32(bytes.count)
    outgoing.append(0)
    outgoing += stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: count >> $0) }
    outgoing += bytes
    try connection.resume(self)
  }

  /// Sends no more; what was sent goes out first.
  func finish() throws {
    isFinished = true
    try connection.resume(self)
  }

  func cancel() throws {
    try connection.cancel(self)
  }

  /// The next message; nil where the call has ended, whose status is then known.
  func next<Response: Message>(_: Response.Type) throws -> Response? {
    while true {
      if incoming.count >= 5 {
        let count = incoming[1..<5].reduce(0) { $0 << 8 | Int($1) }
        if incoming.count >= 5 + count {
          try expect(incoming[0] == 0, "a compressed message, which nobody asked for")
          defer { incoming.removeFirst(5 + count) }
          return try Response(serializedBytes: Array(incoming[5..<(5 + count)]))
        }
      }
      if isClosed { return nil }
      try connection.exchange()
    }
  }

  /// The status of a call that has ended.
  var status: Int? { fields["grpc-status"].flatMap { Int($0) } }
}

extension Connection {
  /// One request, one response, status OK.
  func unary<Response: Message>(
    _ path: String, _ request: some Message, as _: Response.Type = Response.self
  ) throws -> (response: Response, fields: [String: String]) {
    let call = try Call(path, on: self)
    try call.send(request)
    try call.finish()
    let response = try call.next(Response.self)
    try expect(try call.next(Response.self) == nil, "\(path) gives one response")
    guard call.status == 0, let response else {
      throw Failure("\(path): \(call.fields)")
    }
    return (response, call.fields)
  }

  /// The status of a call that is to be refused.
  func refusal<Request: Message>(_ path: String, _ request: Request) throws -> Int? {
    let call = try Call(path, on: self)
    try call.send(request)
    try call.finish()
    try expect(try call.next(Request.self) == nil, "\(path) gives no response")
    return call.status
  }
}

// MARK: - nghttp2's side

extension Call {
  func received(field name: String, _ value: String) {
    fields[name] = value
  }

  func received(_ bytes: UnsafeRawBufferPointer) {
    incoming += bytes
  }

  func closed() {
    isClosed = true
  }

  /// Fills nghttp2's buffer with what waits.
  func take(_ buffer: UnsafeMutableRawBufferPointer, _ flags: inout UInt32) -> Int {
    let count = min(buffer.count, outgoing.count)
    buffer.copyBytes(from: outgoing.prefix(count))
    outgoing.removeFirst(count)
    if outgoing.isEmpty, isFinished { flags |= NGHTTP2_DATA_FLAG_EOF.rawValue }
    if count == 0, !isFinished { return Int(NGHTTP2_ERR_DEFERRED.rawValue) }
    return count
  }
}
