import NIOCore

/// A frame as bytes, for peers that need not behave. A value.
struct Frame: Equatable {
  enum Kind {
    static let data: UInt8 = 0
    static let headers: UInt8 = 1
    static let priority: UInt8 = 2
    static let reset: UInt8 = 3
    static let settings: UInt8 = 4
    static let ping: UInt8 = 6
    static let goAway: UInt8 = 7
    static let windowUpdate: UInt8 = 8
    static let continuation: UInt8 = 9
  }

  static let endStream: UInt8 = 1
  static let ack: UInt8 = 1
  static let endHeaders: UInt8 = 4

  var kind: UInt8
  var flags: UInt8 = 0
  var stream: UInt32 = 0
  var payload: [UInt8] = []

  var bytes: [UInt8] {
    let count = payload.count
    return [UInt8(count >> 16), UInt8(count >> 8 & 255), UInt8(count & 255), kind, flags]
      + big(stream) + payload
  }

  var endsStream: Bool {
    (kind == Kind.data || kind == Kind.headers) && flags & Frame.endStream != 0
  }

  /// The 32-bit number at an offset of the payload.
  func number(at offset: Int) -> UInt32 {
    payload[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
  }

  static func parse(_ bytes: [UInt8]) -> [Frame] {
    var frames: [Frame] = []
    var rest = bytes[...]
    while rest.count >= 9 {
      let head = Array(rest.prefix(9))
      let count = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
      let stream = head[5...8].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      frames.append(
        Frame(
          kind: head[3], flags: head[4], stream: stream,
          payload: Array(rest.dropFirst(9).prefix(count))))
      rest = rest.dropFirst(9 + count)
    }
    return frames
  }

  // MARK: - Kinds

  static func settings(_ entries: [(UInt16, UInt32)] = []) -> Frame {
    Frame(
      kind: Kind.settings,
      payload: entries.flatMap { [UInt8($0.0 >> 8), UInt8($0.0 & 255)] + big($0.1) })
  }

  static let settingsAck = Frame(kind: Kind.settings, flags: ack)

  static func headers(
    _ stream: UInt32, _ fields: [(String, String)] = request, end: Bool = false,
    endHeaders: Bool = true
  ) -> Frame {
    Frame(
      kind: Kind.headers,
      flags: (end ? endStream : 0) | (endHeaders ? Frame.endHeaders : 0), stream: stream,
      payload: block(fields))
  }

  static func data(_ stream: UInt32, _ payload: [UInt8] = [], end: Bool = false) -> Frame {
    Frame(kind: Kind.data, flags: end ? endStream : 0, stream: stream, payload: payload)
  }

  static func reset(_ stream: UInt32, _ code: UInt32 = 8) -> Frame {
    Frame(kind: Kind.reset, stream: stream, payload: big(code))
  }

  static func ping(_ payload: [UInt8] = Array(repeating: 0, count: 8), isAck: Bool = false) -> Frame
  {
    Frame(kind: Kind.ping, flags: isAck ? ack : 0, payload: payload)
  }

  static func windowUpdate(_ stream: UInt32, _ bytes: UInt32) -> Frame {
    Frame(kind: Kind.windowUpdate, stream: stream, payload: big(bytes))
  }

  static func priority(_ stream: UInt32) -> Frame {
    Frame(kind: Kind.priority, stream: stream, payload: [0, 0, 0, 0, 15])
  }

  // MARK: - Fields

  static let request = [
    (":method", "POST"), (":scheme", "http"), (":path", "/a/b"), (":authority", "test"),
  ]

  /// Literals without indexing. Source: RFC 7541, section 6.2.2.
  static func block(_ fields: [(String, String)]) -> [UInt8] {
    fields.flatMap { [0] + literal($0.0) + literal($0.1) }
  }

  private static func literal(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    guard bytes.count >= 127 else { return [UInt8(bytes.count)] + bytes }
    var rest = bytes.count - 127
    var length: [UInt8] = [127]
    while rest >= 128 {
      length.append(UInt8(rest & 127) | 128)
      rest >>= 7
    }
    return length + [UInt8(rest)] + bytes
  }
}

private func big(_ value: UInt32) -> [UInt8] {
  [UInt8(value >> 24), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
}
