import DatasyncModel
import Testing

@Suite struct CanonicalTextTests {
  private func canonical(_ text: String, _ type: ColumnType) -> String? {
    try? CanonicalText.of(text, for: type)
  }

  @Test(arguments: [
    "0", "-1", "12.50", "0.10", "-0.5", "9999999999999999999999999999999999",
    "0.0000000000000000000000000000000000000001", "1.000",
  ])
  func `a decimal stays as written`(_ text: String) {
    #expect(canonical(text, .decimal(asWritten: true)) == text)
  }

  @Test(arguments: [
    "", "-", ".5", "5.", "01", "-01", "00", "+1", "1e3", "1,5", "-0", "-0.00", "1.2.3", " 1", "1 ",
    "\u{661}", "99999999999999999999999999999999999", "nan", "1_000", "--1",
  ])
  func `what is no decimal is refused`(_ text: String) {
    #expect(canonical(text, .decimal(asWritten: false)) == nil)
  }

  @Test func `a UUID is lower case with hyphens`() {
    let uuid = "123e4567-e89b-12d3-a456-426614174000"
    #expect(canonical(uuid.uppercased(), .uuid) == uuid)
    for text in [
      "", "123e4567e89b12d3a456426614174000", "{\(uuid)}", uuid + "0",
      String(uuid.dropLast()) + "g",
      "123e4567-e89b-12d3-a4564-26614174000", String(uuid.dropLast()) + "\u{FF10}",
    ] {
      #expect(canonical(text, .uuid) == nil, "\(text)")
    }
  }

  @Test func `dates and times have one form each`() {
    #expect(canonical("2024-02-29", .date) == "2024-02-29")
    #expect(canonical("2023-02-29", .date) == nil)
    #expect(canonical("2024-2-9", .date) == nil)
    #expect(canonical("2024-02-29T00:00:00Z", .date) == nil)
    #expect(canonical("02:14:05.500", .timeOfDay) == "02:14:05.5")
    #expect(canonical("02:14", .timeOfDay) == nil)
    #expect(canonical("02:14:05.1234567", .timeOfDay) == nil)
  }

  @Test func `an enumeration holds what is declared, to the letter`() {
    let type = ColumnType.enumeration(["a", "it's"])
    #expect(canonical("it's", type) == "it's")
    #expect(canonical("A", type) == nil)
    #expect(canonical("", type) == nil)
  }

  @Test func `other types take any text`() {
    #expect(canonical("x\u{301}", .string) == "x\u{301}")
  }

  @Test(arguments: [
    "null", "true", "false", "0", "-0", "1.5e+10", "\"\"", "\"a\\u00e9\\n\"", "[]", "{}", " [ ] ",
    "[1,2]", "{\"a\":{\"b\":[null]}}", "\t{ \"a\" : 1 , \"b\" : 2 }\r\n", "\"\u{1F600}\"",
    "[[],{}]", "1E5", "\"/\"",
  ])
  func `JSON is taken`(_ text: String) {
    #expect(JSONChecker.firstFault(in: text) == nil)
  }

  @Test(arguments: [
    ("", 0), (" ", 1), ("nul", 3), ("nulL", 3), ("01", 1), ("-", 1), ("1.", 2), (".5", 0),
    ("1e", 2),
    ("+1", 0), ("\"a", 2), ("\"\\x\"", 2), ("\"\\u12g4\"", 5), ("[1,]", 3), ("[1 2]", 3), ("[", 1),
    ("[1}", 2), ("{\"a\"}", 4), ("{a:1}", 1), ("{\"a\":1,}", 7), ("{\"a\":}", 5), ("1 2", 2),
    ("\"a\nb\"", 2), ("[]]", 2), ("'a'", 0), ("NaN", 0), ("\u{FEFF}1", 0), ("// x", 0), ("{,}", 1),
  ])
  func `what is no JSON is refused at its place`(_ text: String, _ offset: Int) {
    #expect(JSONChecker.firstFault(in: text) == offset, "\(text)")
  }

  @Test func `JSON nests a thousand levels and no more`() {
    func nested(_ count: Int) -> String {
      String(repeating: "[", count: count) + String(repeating: "]", count: count)
    }
    #expect(JSONChecker.firstFault(in: nested(1000)) == nil)
    #expect(JSONChecker.firstFault(in: nested(1001)) != nil)
    #expect(JSONChecker.firstFault(in: String(repeating: "{\"a\":", count: 100_000)) != nil)
  }
}
