import DatasyncModel
import NIOCore

@testable import DatasyncMessages
@testable import DatasyncServer

/// What a client hears on its stream. A value.
enum Said: Equatable, Sendable {
  /// The last word on a request that succeeded: what, and the sequence of a write.
  case answer(UInt64, String, UInt64)
  /// The status that ends a request: its reason; empty is OK.
  case end(UInt64, String)
  case change(UInt64, HeardChange)
  case checkpoint(UInt64, HeardCheckpoint)

  var requestID: UInt64 {
    switch self {
    case .answer(let id, _, _), .end(let id, _), .change(let id, _), .checkpoint(let id, _): id
    }
  }

  var isLastWord: Bool {
    switch self {
    case .answer, .end: true
    case .change, .checkpoint: false
    }
  }
}

/// A value.
struct HeardChange: Equatable, Sendable {
  /// 1: ADD, 2: UPDATE, 3: DELETE.
  var operation: UInt64 = 0
  var key = ""
  var sequence: UInt64 = 0
  var title = ""
  var isOwn = false
  var hasMore = false
}

/// A value.
struct HeardCheckpoint: Equatable, Sendable {
  var token = ""
  var sequence: UInt64 = 0
  var isCurrent = false
}

extension Said {
  /// Reads gRPC messages that hold events of a session.
  static func events(in framed: ByteBuffer) -> [Said] {
    var framed = framed
    var events: [Said] = []
    while framed.readInteger(as: UInt8.self) != nil,
      let length = framed.readInteger(as: UInt32.self),
      let bytes = framed.readBytes(length: Int(length))
    {
      events += bytes.withUnsafeBytes { event(in: $0) }.map { [$0] } ?? []
    }
    return events
  }

  private static func event(in response: UnsafeRawBufferPointer) -> Said? {
    var requestID: UInt64 = 0
    var said: Said?
    forEachField(of: response) { number, field in
      if number == EventField.requestID, case .varint(let id) = field { requestID = id }
      guard number == EventField.event, case .bytes(let event) = field else { return }
      forEachField(of: event) { number, field in
        guard case .bytes(let bytes) = field else { return }
        said =
          number == EventField.change
          ? .change(requestID, HeardChange(bytes)) : .checkpoint(requestID, HeardCheckpoint(bytes))
      }
    }
    return said
  }
}

extension HeardChange {
  init(_ bytes: UnsafeRawBufferPointer) {
    forEachField(of: bytes) { number, field in
      switch (number, field) {
      case (1, .varint(let value)): operation = value
      case (3, .bytes(let value)): key = String(decoding: value, as: UTF8.self)
      case (4, .varint(let value)): sequence = value
      case (5, .bytes(let entity)): title = HeardChange.title(in: entity)
      case (EventField.own, .varint(let value)): isOwn = value != 0
      case (EventField.more, .varint(let value)): hasMore = value != 0
      default: break
      }
    }
  }

  private static func title(in entity: UnsafeRawBufferPointer) -> String {
    var title = ""
    forEachField(of: entity) { number, field in
      guard case (2, .bytes(let image)) = (number, field) else { return }
      title = Fixture.title(of: RowImage(bytes: Array(image)))
    }
    return title
  }
}

extension HeardCheckpoint {
  init(_ bytes: UnsafeRawBufferPointer) {
    forEachField(of: bytes) { number, field in
      switch (number, field) {
      case (1, .bytes(let value)): token = String(decoding: value, as: UTF8.self)
      case (2, .varint(let value)): sequence = value
      case (3, .varint(let value)): isCurrent = value != 0
      default: break
      }
    }
  }
}

private func forEachField(
  of bytes: UnsafeRawBufferPointer, _ body: (Int, WireReader.Field) -> Void
) {
  var reader = WireReader(bytes)
  while let next = try? reader.next() { body(next.number, next.field) }
}

extension Fixture {
  static func title(of image: RowImage) -> String {
    if case .string(let title) = RowDecoder.values(of: image, table: notes)[5] { title } else { "" }
  }
}
