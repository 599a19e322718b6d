import DatasyncJSON
import DatasyncModel
import Testing

@Suite struct JSONWriterTests {
  private func text(_ type: String, _ write: (inout WireWriter) -> Void) throws -> String {
    var writer = WireWriter()
    write(&writer)
    return String(
      decoding: try Types.writer.text(of: writer.bytes, try Types.schema(type)), as: UTF8.self)
  }

  private func fault(_ type: String, _ write: (inout WireWriter) -> Void) throws -> String? {
    do {
      _ = try text(type, write)
      return nil
    } catch let error as JSONFault {
      #expect(error.kind == .message)
      return error.message
    }
  }

  @Test func `fields that come out of order, or twice, are put in order; the last counts`() throws {
    let text = try text("test.Everything") { writer in
      writer.append(field: 13, varint: 3)
      writer.append(field: 5, varint: 1)
      writer.append(field: 109, string: "a")
      writer.append(field: 5, varint: 2)
      writer.append(field: 109, string: "b")
      writer.append(field: 204) { $0.append(field: 5, varint: 1) }
      writer.append(field: 204) {
        $0.append(field: 13, varint: 2)
        $0.append(field: 109, string: "c")
      }
      writer.append(field: 206, string: "gone")
      writer.append(field: 207) { $0.append(field: 5, varint: 1) }
      writer.append(field: 206, string: "stays")
    }
    #expect(
      text
        == #"{"aInt32":2,"aUint32":3,"manyString":["a","b"],"child":{"aInt32":1,"aUint32":2,"manyString":["c"]},"oneText":"stays"}"#
    )
  }

  @Test func `of a oneof the member that came last is there, as it was since`() throws {
    let text = try text("test.Everything") { writer in
      writer.append(field: 207) { $0.append(field: 5, varint: 1) }
      writer.append(field: 206, string: "x")
      writer.append(field: 207) { $0.append(field: 13, varint: 2) }
      writer.append(field: 207) { $0.append(field: 9, string: "y") }
    }
    #expect(text == #"{"oneChild":{"aString":"y","aUint32":2}}"#)
  }

  @Test func `repeated scalars are read packed and not, and an empty pack is nothing`() throws {
    let text = try text("test.Everything") { writer in
      writer.append(field: 105, varint: 1)
      writer.append(field: 105, bytes: [])
      writer.append(field: 105, bytes: [2, 3])
      writer.append(field: 108, bytes: [])
      writer.append(field: 200, bytes: [4, 5])
    }
    #expect(text == #"{"manyInt32":[1,2,3],"looseInt32":[4,5]}"#)
  }

  @Test func `what the schema does not have is left out, and what has another wire type`() throws {
    let text = try text("test.Everything") { writer in
      writer.append(field: 99, string: "x")
      writer.append(field: 5, string: "x")
      writer.append(field: 9, varint: 5)
      writer.append(field: 13, varint: 1)
      writer.append(field: 99_999, varint: 1)
    }
    #expect(text == #"{"aUint32":1}"#)
  }

  @Test func `defaults without presence are left out, and nothing else`() throws {
    let text = try text("test.Everything") { writer in
      writer.append(field: 1, double: 0)
      writer.append(field: 5, varint: 1 << 32)
      writer.append(field: 9, string: "")
      writer.append(field: 101, bytes: [UInt8](repeating: 0, count: 8))
      writer.append(field: 201, varint: 0)
      writer.append(field: 202, varint: 0)
      writer.append(field: 206, string: "")
    }
    #expect(text == #"{"manyDouble":[0],"maybeInt32":0,"oneText":""}"#)
    #expect(
      try self.text("test.Everything") { $0.append(field: 1, double: -0.0) } == #"{"aDouble":-0.0}"#
    )
  }

  @Test func `maps have each key once, and what an entry lacks is its default`() throws {
    let text = try text("test.Everything") { writer in
      writer.append(field: 211) {
        $0.append(field: 1, varint: 5)
        $0.append(field: 2, string: "first")
      }
      writer.append(field: 211) { _ in }
      writer.append(field: 211) {
        $0.append(field: 2, string: "last")
        $0.append(field: 1, varint: 5)
      }
      writer.append(field: 210) { $0.append(field: 1, string: "e\u{301}") }
      writer.append(field: 210) { $0.append(field: 1, string: "\u{e9}") }
    }
    #expect(
      text == "{\"byText\":{\"e\u{301}\":{},\"\u{e9}\":{}},\"byInt\":{\"-3\":\"last\",\"0\":\"\"}}")
  }

  @Test func `a row in an Any is written with its type first`() throws {
    let text = try text("datasync.v1.WriteResponse") { writer in
      writer.append(field: 1) { any in
        any.append(field: 1, string: "type.googleapis.com/tables.TodoItems")
        any.append(field: 2) { row in
          row.append(field: 1, string: "a")
          row.append(field: 2, timestamp: 1_000_000)
          row.append(field: 4, varint: 5)
          row.append(field: 5, bool: false)
          row.append(field: 13, string: #"{"x":1}"#)
        }
      }
      writer.append(field: 2, varint: 5)
    }
    #expect(
      text
        == #"{"entity":{"@type":"type.googleapis.com/tables.TodoItems","id":"a","createdAt":"1970-01-01T00:00:01Z","version":"5","deleted":false,"extra":"{\"x\":1}"},"sequence":"5"}"#
    )
  }

  @Test func `what JSON cannot hold is a fault, and leaves the text as it was`() throws {
    #expect(
      try fault("test.Everything") { $0.append(field: 9, bytes: [0xFF]) }
        == "aString: a text that is no UTF-8")
    #expect(
      try fault("test.Everything") { $0.append(field: 222) { $0.append(field: 2, int64: -1) } }
        == "time: 0 seconds and -1 nanoseconds are no time")
    #expect(
      try fault("test.Everything") {
        $0.append(field: 222) { $0.append(field: 1, int64: 253_402_300_800) }
      } != nil)
    #expect(
      try fault("test.Everything") {
        $0.append(field: 223) {
          $0.append(field: 1, int64: 1)
          $0.append(field: 2, int64: -1)
        }
      } == "span: 1 seconds and -1 nanoseconds are no duration")
    for path in ["dueDate", "line_2", "a__b", "end_", "", "a,b"] {
      #expect(
        try fault("test.Everything") { $0.append(field: 224) { $0.append(field: 1, string: path) } }
          == "mask: the path '\(path)' cannot be written in lower camel case and back")
    }
    #expect(
      try fault("test.Everything") {
        $0.append(field: 225) { $0.append(field: 2, double: .infinity) }
      }
        == "dynamic: a Value holds no infinite number")
    #expect(
      try fault("test.Everything") { $0.append(field: 220) { $0.append(field: 1, string: "x/y") } }
        == "any: the type x/y is not known")
    #expect(
      try fault("test.Everything") { $0.append(field: 220) { $0.append(field: 2, string: "x") } }
        == "any: an Any without a type")
    #expect(try fault("test.Everything") { $0.append(encoded: [0x0B]) } != nil)
    var text = Array("before".utf8)
    #expect(throws: JSONFault.self) {
      try [UInt8]([0x28, 1, 0x0B]).withUnsafeBytes {
        try Types.writer.append($0, of: try Types.schema("test.Everything"), to: &text)
      }
    }
    #expect(text == Array("before".utf8))
  }

  @Test func `texts of any length are escaped where they must be`() throws {
    for length in 0..<40 {
      for (special, written) in [
        ("\"", "\\\""), ("\\", "\\\\"), ("\u{1F}", "\\u001f"), ("\n", "\\n"), ("é", "é"),
        ("😀", "😀"),
        ("\u{7F}", "\u{7F}"), ("/", "/"), ("\u{2028}", "\u{2028}"),
      ] {
        let pad = String(repeating: "x", count: length)
        let text = try text("test.Everything") { $0.append(field: 9, string: pad + special + pad) }
        #expect(text == "{\"aString\":\"\(pad)\(written)\(pad)\"}")
      }
    }
  }

  @Test func `a text that becomes too large is given up`() throws {
    let writer = JSONWriter(registry: Types.registry, maxBytes: 1000)
    var message = WireWriter()
    for _ in 0..<10_000 { message.append(field: 109, string: "x") }
    do {
      _ = try writer.text(of: message.bytes, try Types.schema("test.Everything"))
      Issue.record("it was written")
    } catch let error as JSONFault {
      #expect(error.kind == .size)
    }
  }
}
