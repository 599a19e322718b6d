import DatasyncJSON
import DatasyncModel
import Testing

@Suite struct JSONReaderTests {
  /// What the text says, written again.
  private func again(_ text: String, _ type: String) throws -> String {
    let schema = try Types.schema(type)
    let message = try Types.reader.message(schema, of: Array(text.utf8))
    return String(decoding: try Types.writer.text(of: message, schema), as: UTF8.self)
  }

  private func fault(_ text: [UInt8], _ type: String) throws -> String? {
    do throws(JSONFault) {
      _ = try Types.reader.message(try schema(type), of: text)
      return nil
    } catch {
      return error.message
    }
  }

  private func schema(_ name: String) throws(JSONFault) -> MessageSchema {
    do { return try Types.schema(name) } catch { preconditionFailure("\(error)") }
  }

  @Test(
    arguments: [
      // Names, spaces, the order of the text, escapes.
      (#" { "aInt32" : 1 , "a_string" : "x" } "#, #"{"aInt32":1,"aString":"x"}"#),
      (#"{"aString":"x","aInt32":1}"#, #"{"aInt32":1,"aString":"x"}"#),
      (#"{"\u0061Int32":1}"#, #"{"aInt32":1}"#),
      (
        #"{"aString":"\"\\\/\b\f\n\r\t\u00e9\u20AC\uD83D\uDE00\u0000"}"#,
        "{\"aString\":\"\\\"\\\\/\\b\\f\\n\\r\\té€😀\\u0000\"}"
      ),
      (#"{"manyString":["","é","ab\u0000"]}"#, #"{"manyString":["","é","ab\u0000"]}"#),
      // Integers, as numbers and strings, exactly.
      (
        #"{"aInt32":1.0,"aInt64":1e3,"aUint64":"18446744073709551615"}"#,
        #"{"aInt64":"1000","aUint64":"18446744073709551615","aInt32":1}"#
      ),
      (
        #"{"aInt64":-9223372036854775808,"aSint64":"-9223372036854775808"}"#,
        #"{"aInt64":"-9223372036854775808","aSint64":"-9223372036854775808"}"#
      ),
      (
        #"{"aInt64":9.223372036854775807e18,"aInt32":100e-2,"aUint32":4294967295}"#,
        #"{"aInt64":"9223372036854775807","aInt32":1,"aUint32":4294967295}"#
      ),
      (
        #"{"aInt32":-0,"aUint32":-0.0,"aInt64":0e999999999999,"aSint32":-2147483648}"#,
        #"{"aSint32":-2147483648}"#
      ),
      (
        #"{"aFixed32":7,"aFixed64":8,"aSfixed32":-7,"aSfixed64":"-8"}"#,
        #"{"aFixed64":"8","aFixed32":7,"aSfixed32":-7,"aSfixed64":"-8"}"#
      ),
      // Reals.
      (#"{"aDouble":0.1,"aFloat":0.1}"#, #"{"aDouble":0.1,"aFloat":0.1}"#),
      (
        #"{"aDouble":"NaN","aFloat":"-Infinity","manyDouble":["Infinity","1e5",-0]}"#,
        #"{"aDouble":"NaN","aFloat":"-Infinity","manyDouble":["Infinity",100000,-0.0]}"#
      ),
      (
        #"{"aDouble":1.7976931348623157e308,"aFloat":3.4028235e38}"#,
        #"{"aDouble":1.7976931348623157e+308,"aFloat":3.4028235e+38}"#
      ),
      (
        #"{"aDouble":5e-324,"manyDouble":[1e-400,9007199254740993]}"#,
        #"{"aDouble":5e-324,"manyDouble":[0,9007199254740992]}"#
      ),
      // Booleans, bytes.
      (#"{"aBool":true,"manyBool":[false,true]}"#, #"{"aBool":true,"manyBool":[false,true]}"#),
      (
        #"{"manyBytes":["","+/8=","-_8","-_8=","AA","YWI\u003d","+\/8="]}"#,
        #"{"manyBytes":["","+/8=","+/8=","+/8=","AA==","YWI=","+/8="]}"#
      ),
      // Enums.
      (
        #"{"aEnum":"RED","manyEnum":["ROUGE",2,7,-5,1.0,"NONE"]}"#,
        #"{"aEnum":"RED","manyEnum":["RED","GREEN",7,"BELOW","RED","NONE"]}"#
      ),
      // Absence and presence.
      (
        #"{"aInt32":null,"child":null,"children":null,"byText":null,"time":null,"wrappedText":null}"#,
        "{}"
      ),
      (
        #"{"aInt32":0,"aString":"","aBytes":"","aDouble":0,"manyInt32":[],"children":[],"byText":{}}"#,
        "{}"
      ),
      (
        #"{"maybeInt32":0,"child":{},"oneText":"","wrappedInt64":"0","wrappedText":""}"#,
        #"{"maybeInt32":0,"child":{},"oneText":"","wrappedInt64":"0","wrappedText":""}"#
      ),
      (#"{"oneText":null,"oneChild":{}}"#, #"{"oneChild":{}}"#),
      (#"{"oneNull":null}"#, #"{"oneNull":null}"#),
      (#"{"oneNull":"NULL_VALUE"}"#, #"{"oneNull":null}"#),
      (
        #"{"looseInt32":[1,2],"manyInt32":[3],"far":9}"#,
        #"{"manyInt32":[3],"looseInt32":[1,2],"far":9}"#
      ),
      // Maps.
      (
        #"{"byText":{"a":{"aInt32":1},"":{}},"byInt":{"-3":"x"},"byBool":{"true":"RED","false":0}}"#,
        #"{"byText":{"a":{"aInt32":1},"":{}},"byInt":{"-3":"x"},"byBool":{"true":"RED","false":"NONE"}}"#
      ),
      // Times.
      (#"{"time":"1970-01-01T00:00:00Z"}"#, #"{"time":"1970-01-01T00:00:00Z"}"#),
      (#"{"time":"2026-11-28T10:15:00.5+01:30"}"#, #"{"time":"2026-11-28T08:45:00.500Z"}"#),
      (#"{"time":"0001-01-01T00:00:00.000001Z"}"#, #"{"time":"0001-01-01T00:00:00.000001Z"}"#),
      (
        #"{"time":"9999-12-31T23:59:59.999999999Z"}"#, #"{"time":"9999-12-31T23:59:59.999999999Z"}"#
      ),
      (
        #"{"time":"1969-12-31T23:59:59.1Z","span":"-0.5s"}"#,
        #"{"time":"1969-12-31T23:59:59.100Z","span":"-0.500s"}"#
      ),
      (#"{"span":"315576000000s"}"#, #"{"span":"315576000000s"}"#),
      (#"{"span":"1.000000001s"}"#, #"{"span":"1.000000001s"}"#),
      (#"{"span":"0s"}"#, #"{"span":"0s"}"#),
      // Masks.
      (#"{"mask":"dueDate,title"}"#, #"{"mask":"dueDate,title"}"#),
      (#"{"mask":"due_date,a.bC"}"#, #"{"mask":"dueDate,a.bC"}"#),
      (#"{"mask":""}"#, #"{"mask":""}"#),
      // Dynamic values.
      (#"{"dynamic":null}"#, #"{"dynamic":null}"#),
      (
        #"{"dynamic":[1,"x",null,true,{"a":[]}],"structure":{"b":-0.5},"list":[]}"#,
        #"{"dynamic":[1,"x",null,true,{"a":[]}],"structure":{"b":-0.5},"list":[]}"#
      ),
      // Any.
      (#"{"any":{}}"#, #"{"any":{}}"#),
      (
        #"{"any":{"@type":"type.googleapis.com/tables.TodoItems","title":"x","due_date":""}}"#,
        #"{"any":{"@type":"type.googleapis.com/tables.TodoItems","title":"x","dueDate":""}}"#
      ),
      (
        #"{"any":{"title":"x","\u0040type":"a.b/tables.TodoItems"}}"#,
        #"{"any":{"@type":"a.b/tables.TodoItems","title":"x"}}"#
      ),
      (
        #"{"any":{"value":"1.5s","@type":"type.googleapis.com/google.protobuf.Duration"}}"#,
        #"{"any":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1.500s"}}"#
      ),
      (
        #"{"any":{"value":{"value":{},"@type":"x/google.protobuf.Empty"},"@type":"x/google.protobuf.Any"}}"#,
        #"{"any":{"@type":"x/google.protobuf.Any","value":{"@type":"x/google.protobuf.Empty"}}}"#
      ),
      (
        #"{"anys":[{"children":[{"any":{"aInt32":1,"@type":"/test.Everything"}}],"@type":"/test.Everything"}]}"#,
        #"{"anys":[{"@type":"/test.Everything","children":[{"any":{"@type":"/test.Everything","aInt32":1}}]}]}"#
      ),
    ] as [(String, String)])
  func `what is taken is what it says`(_ text: String, _ expected: String) throws {
    #expect(try again(text, "test.Everything") == expected)
  }

  @Test(
    arguments: [
      ("", "the text is empty; a message without fields is {}"),
      (" \n", "the text is empty; a message without fields is {}"),
      ("\u{FEFF}{}", "the text begins with a byte order mark, which JSON does not have"),
      ("{} {}", "there is more after the value, at byte 3"),
      ("{", "the text ends where a string is due"),
      (#"{"aInt32":1,}"#, "'}' at byte 12, where a string is due"),
      (#"{"aInt32" 1}"#, "'1' at byte 10, where ':' is due"),
      (#"{"aInt32":}"#, "aInt32: '}' at byte 10, where a value is due"),
      (#"{"manyInt32":[1,]}"#, "manyInt32[1]: ']' at byte 16, where a value is due"),
      (#"{"manyInt32":[1 2]}"#, "manyInt32: '2' at byte 16, where ',' or ']' is due"),
      (#"{"aBool":tru}"#, "aBool: '}' at byte 12, where a value is due"),
      ("null", "an object is due, not null"),
      ("[]", "an object is due, not an array"),
      (#"{"aString":"\ud800"}"#, "aString: a surrogate without its other half at byte 12"),
      (#"{"aString":"\udc00"}"#, "aString: a surrogate without its other half at byte 12"),
      (#"{"aString":"\ud800\u0041"}"#, "aString: a surrogate without its other half at byte 12"),
      (#"{"aString":"\x"}"#, "aString: 'x' at byte 13, where an escape is due"),
      ("{\"aString\":\"\n\"}", "aString: a control character at byte 12, which must be escaped"),
      (#"{"aStrin":"x"}"#, "aStrin: test.Everything has no such field; did you mean 'aString'?"),
      (#"{"child":{"qqqqq":1}}"#, "child.qqqqq: test.Everything has no such field"),
      (#"{"aInt32":1,"a_int32":null}"#, "aInt32: is there twice"),
      (
        #"{"oneText":"x","oneChild":{}}"#,
        "oneChild: is the second of a oneof: there is one of oneText, oneChild, oneNull"
      ),
      (#"{"aInt32":"x"}"#, "aInt32: 'x' is no number"),
      (#"{"aInt32":" 1"}"#, "aInt32: ' 1' is no number"),
      (#"{"aInt32":1.5}"#, "aInt32: 1.5 is no integer"),
      (#"{"aInt32":1e-1}"#, "aInt32: 1e-1 is no integer"),
      (#"{"aInt32":2147483648}"#, "aInt32: 2147483648 does not fit an int32"),
      (#"{"aUint32":-1}"#, "aUint32: -1 does not fit a uint32"),
      (
        #"{"aUint64":"18446744073709551616"}"#,
        "aUint64: 18446744073709551616 does not fit a uint64"
      ),
      (
        #"{"aInt64":1e999999999999999999999}"#,
        "aInt64: 1e999999999999999999999 does not fit an int64"
      ),
      (#"{"aInt64":true}"#, "aInt64: a number is due, not a boolean"),
      (#"{"aInt32":01}"#, "'1' at byte 11, where ',' or '}' is due"),
      (#"{"aDouble":1e999}"#, "aDouble: 1e999 does not fit a double"),
      (#"{"aFloat":3.5e38}"#, "aFloat: 3.5e38 does not fit a float"),
      (#"{"aDouble":"nan"}"#, "aDouble: 'nan' is no number"),
      (#"{"aDouble":NaN}"#, "aDouble: 'N' at byte 11, where a value is due"),
      (#"{"aBool":"true"}"#, "aBool: true or false is due, not a string"),
      (#"{"aString":5}"#, "aString: a string is due, not a number"),
      (#"{"aBytes":"A"}"#, "aBytes: is no base64"),
      (#"{"aBytes":"A A="}"#, "aBytes: is no base64"),
      (#"{"aBytes":"AA="}"#, "aBytes: is no base64"),
      (#"{"aEnum":"REDD"}"#, "aEnum: 'REDD' is no test.Color; did you mean 'RED'?"),
      (#"{"aEnum":"1"}"#, "aEnum: '1' is no test.Color; the values are BELOW, NONE, RED, GREEN"),
      (#"{"aEnum":2147483648}"#, "aEnum: 2147483648 does not fit an int32"),
      (#"{"manyInt32":[1,null]}"#, "manyInt32[1]: a number is due, not null"),
      (#"{"manyInt32":1}"#, "manyInt32: an array is due, not a number"),
      (#"{"children":[{},{"aInt32":"x"}]}"#, "children[1].aInt32: 'x' is no number"),
      (
        #"{"byText":{"a b":{"aInt32":true}}}"#,
        #"byText["a b"].aInt32: a number is due, not a boolean"#
      ),
      (#"{"byText":{"a":{},"\u0061":{}}}"#, "byText: has two entries with one key"),
      (#"{"byInt":{"x":""}}"#, #"byInt["x"]: 'x' is no number"#),
      (#"{"byBool":{"yes":0}}"#, #"byBool["yes"]: 'yes' is neither true nor false"#),
      (#"{"structure":{"a":1,"a":2}}"#, "structure: has two entries with one key"),
      (
        #"{"time":"2026-02-29T00:00:00Z"}"#,
        "time: '2026-02-29T00:00:00Z' is no time such as 2026-11-28T10:15:00.5Z, of the years 0001 to 9999"
      ),
      (#"{"span":"1"}"#, "span: '1' is no duration such as 1.5s, of at most 315576000000 s"),
      (#"{"mask":"a,,b"}"#, "mask: has an empty path"),
      (#"{"any":{"title":"x"}}"#, #"any: has no "@type", which says of what type it is"#),
      (#"{"any":{"@type":"x/y.Z"}}"#, "any.@type: the type 'x/y.Z' is not known"),
      (#"{"any":{"@type":5}}"#, "any.@type: a string is due"),
      (
        #"{"any":{"@type":"/tables.TodoItems","titel":1}}"#,
        "any.titel: tables.TodoItems has no such field; did you mean 'title'?"
      ),
      (
        #"{"any":{"@type":"/tables.TodoItems","@type":"/tables.TodoItems"}}"#,
        "any.@type: is there twice"
      ),
      (
        #"{"any":{"@type":"/google.protobuf.Duration"}}"#,
        #"any: an Any of google.protobuf.Duration has a "value""#
      ),
      (
        #"{"any":{"@type":"/google.protobuf.Duration","values":1}}"#,
        #"any.values: an Any of google.protobuf.Duration has "@type" and "value" alone"#
      ),
    ] as [(String, String)])
  func `what is not taken is told with its path`(_ text: String, _ expected: String) throws {
    #expect(try fault(Array(text.utf8), "test.Everything") == expected)
  }

  @Test(
    arguments: [
      #"{"time":"2026-11-28t10:15:00Z"}"#, #"{"time":"2026-11-28T10:15:00z"}"#,
      #"{"time":"2026-11-28T10:15:00"}"#, #"{"time":"2026-11-28T10:15:00.Z"}"#,
      #"{"time":"2026-11-28T10:15:00.0000000001Z"}"#, #"{"time":"2026-11-28T24:00:00Z"}"#,
      #"{"time":"2026-11-28T10:15:60Z"}"#, #"{"time":"10000-01-01T00:00:00Z"}"#,
      #"{"time":"0000-12-31T23:59:59Z"}"#, #"{"time":"0001-01-01T00:00:00+00:01"}"#,
      #"{"time":"9999-12-31T23:59:59-00:01"}"#, #"{"time":"2026-11-28T10:15:00+1:00"}"#,
      #"{"time":"2026-11-28T10:15:00Z "}"#, #"{"time":0}"#, #"{"span":"s"}"#, #"{"span":".5s"}"#,
      #"{"span":"1.s"}"#, #"{"span":"+1s"}"#, #"{"span":"1.0000000001s"}"#, #"{"span":"1e3s"}"#,
      #"{"span":"315576000001s"}"#, #"{"span":"-315576000001s"}"#, #"{"span":"1S"}"#,
      #"{"span":"99999999999999999999999s"}"#, #"{"aInt32":"+1"}"#, #"{"aInt32":"0x1"}"#,
      #"{"aInt32":""}"#, #"{"aInt32":"1."}"#, #"{"aInt32":--1}"#, #"{"aInt32":.5}"#,
      #"{"aDouble":"1.7976931348623159e308"}"#, #"{"aDouble":"inf"}"#, #"{"aDouble":"0x1p3"}"#,
      #"{"aString":"\u12"}"#, #"{"aString":"\u123g"}"#, #"{'aString':''}"#, #"{"aString":"x}"#,
      #"{"wrappedText":5}"#, #"{"dynamic":}"#, #"{"list":{}}"#, #"{"structure":[]}"#,
      #"{"any":[]}"#, #"{"any":{"@type":""}}"#, #"{"any":{"@type":"/"}}"#, #"{"empty":[]}"#,
      #"{"empty":{"x":1}}"#, #"{aInt32:1}"#, "{}x", "{}\u{0}", #"{"aInt32":1}}"#, "{]", #"{"a":"#,
      #"{"manyInt32":[1,2"#, #"{"any":{"x":{"@type":"/test.Everything"}}}"#,
    ])
  func `what is not quite so is not taken`(_ text: String) throws {
    #expect(try fault(Array(text.utf8), "test.Everything") != nil)
  }

  @Test(
    arguments: [
      [0x80], [0xC0, 0xAF], [0xC3], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80],
      [0xF4, 0x90, 0x80, 0x80],
      [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82], [0xFF],
    ] as [[UInt8]])
  func `what is no UTF-8 is a fault where it stands`(_ bytes: [UInt8]) throws {
    let head = Array(#"{"aInt32":1,"aString":"12345678"#.utf8)
    #expect(
      try fault(head + bytes + Array("\"}".utf8), "test.Everything")
        == "aString: byte \(head.count) is no UTF-8")
  }

  @Test func `a hundred levels are read and written, and not one more`() throws {
    for (opening, closing) in [
      (#"{"child":"#, "}"), (#"{"dynamic":["#, "]}"),
      (#"{"any":{"@type":"/test.Everything","child":"#, "}}"),
    ] {
      let each = opening.filter { $0 == "{" || $0 == "[" }.count
      let levels = (100 - 1) / each
      let fits =
        String(repeating: opening, count: levels) + "{}" + String(repeating: closing, count: levels)
      if opening.contains("dynamic") { continue }
      #expect(try again(fits, "test.Everything") == fits)
      let deep = opening + opening + fits + closing + closing
      #expect(
        try fault(Array(deep.utf8), "test.Everything")?.hasSuffix("is nested more than 100 deep")
          == true)
    }
    let list = { String(repeating: "[", count: $0) + String(repeating: "]", count: $0) }
    #expect(try again(list(100), "google.protobuf.Value") == list(100))
    #expect(try fault(Array(list(101).utf8), "google.protobuf.Value") != nil)
    #expect(try fault([UInt8](repeating: 0x5B, count: 100_000), "google.protobuf.Value") != nil)
  }

  @Test func `errors name the path to the field of a row`() throws {
    let text =
      #"{"writes":[{"delete":{}},{"create":{}},{"create":{"entity":{"@type":"/tables.TodoItems","title":5}}}]}"#
    #expect(
      try fault(Array(text.utf8), "datasync.v1.CommitRequest")
        == "writes[2].create.entity.title: a string is due, not a number")
  }

  @Test func `a text or a message that is too large is refused`() throws {
    let schema = try Types.schema("test.Everything")
    let reader = JSONReader(registry: Types.registry, maxBytes: 100)
    let kind = { (text: String) -> JSONFault.Kind? in
      do throws(JSONFault) {
        _ = try reader.message(schema, of: Array(text.utf8))
        return nil
      } catch {
        return error.kind
      }
    }
    #expect(kind(String(repeating: " ", count: 98) + "{}") == nil)
    #expect(kind(String(repeating: " ", count: 99) + "{}") == .size)
    // Few characters, many bytes.
    #expect(kind(#"{"manyDouble":["# + String(repeating: "1,", count: 20) + "1]}") == .size)
    #expect(kind("{") == .syntax)
    #expect(kind("{\"x\":1}") == .content)
  }

  @Test(
    arguments: [
      (#"{"requestId":7,"get":{"#, 7), (#"{"get":{"x":[1,"}"]},"request_id":"8","#, 8),
      (#"{"requestId":-1}"#, nil), (#"{"get":{"requestId":7}}"#, nil), ("{}", nil), ("", nil),
      (#"{"requestId":{}}"#, nil), (#"{"x":"\ud800","requestId":1}"#, nil), ("[1]", nil),
      (#"{"x":]],"requestId":1}"#, nil), (#"{"requestId":1e0,"requestId":2}"#, 1),
    ] as [(String, UInt64?)])
  func `a request's id is found in what cannot be read`(_ text: String, _ expected: UInt64?) throws
  {
    let schema = try Types.schema("datasync.v1.SessionRequest")
    let bytes = Array(text.utf8)
    #expect(
      bytes.withUnsafeBytes { Types.reader.unsigned(field: 1, of: schema, in: $0) } == expected)
  }

  @Test func `masks name columns whatever their names are`() throws {
    let table = Types.catalog.tables[0]
    for (path, column) in [
      ("dueDate", "due_date"), ("due_date", "due_date"), ("dueTime", "dueTime"),
      ("line2", "line_2"),
      ("line_2", "line_2"), ("title", "title"),
    ] {
      let schema = try Types.schema("google.protobuf.FieldMask")
      let mask = try Types.reader.message(schema, of: Array("\"\(path)\"".utf8))
      let read = String(decoding: mask.dropFirst(2), as: UTF8.self)
      let index = try #require(table.index(ofMaskPath: read))
      #expect(table.columns[index].name == column)
    }
  }
}
