import DatasyncModel
import Testing

/// What protoc 3.21.12 says of two optional fields of one message in proto3, tried out: it refuses
/// `foo_bar` and `fooBar`, `foo` and `Foo`, `foobar` and `fooBar`, `_a` and `A`, `a_` and `a`, `a1`
/// and `a_1`, `a__b` and `a_b`, `_` and `__` ("The JSON camel-case name of field … conflicts"). It
/// takes `_` alone, a field named as its message or package, and each of its own keywords.
@Suite struct FieldNamesTests {
  private func names(_ columns: [String], given: [String?] = []) -> [String] {
    let own = numbered(columns, given: given)
    let names = FieldNames(own)
    return own.map { names[$0.number] ?? "none" }
  }

  /// The first is the key; the others are numbered from 6.
  private func numbered(_ columns: [String], given: [String?] = []) -> [FieldNames.OwnColumn] {
    columns.enumerated().map { index, name in
      FieldNames.OwnColumn(
        name: name, number: index == 0 ? 1 : index + 5,
        given: index < given.count ? given[index] : nil)
    }
  }

  private func system(_ columns: [String]) -> [String] {
    let names = FieldNames(numbered(columns))
    return SystemColumn.allCases.map { names[$0] }
  }

  @Test func `columns keep their names, and system fields have theirs`() {
    #expect(
      names(["id", "title", "due_date", "_x", "A9"]) == ["id", "title", "due_date", "_x", "A9"])
    #expect(system(["uid", "title"]) == ["uid", "created_at", "updated_at", "version", "deleted"])
  }

  @Test(arguments: [
    "unit price", "", "2fast", "größe", "naïve", "a-b", "a.b", "a\u{0}", "🙂", " ", "a ", "\u{661}",
    "\"", "ａ",
  ])
  func `what protobuf cannot spell is named after its number`(_ name: String) {
    #expect(names(["id", name, "b"]) == ["id", "column_6", "b"])
    #expect(names([name, "b"]) == ["column_1", "b"])
  }

  /// Each pair as protoc refuses it.
  @Test(arguments: [
    ("foo_bar", "fooBar"), ("foo", "Foo"), ("foobar", "fooBar"), ("_a", "A"), ("_a", "a"),
    ("a_", "a"), ("_", "__"), ("a1", "a_1"), ("a__b", "a_b"),
  ])
  func `of two that protoc takes for one the first keeps its name`(
    _ first: String, _ second: String
  ) {
    #expect(names(["id", first, second]) == ["id", first, "column_7"])
    #expect(names(["id", second, first]) == ["id", second, "column_7"])
    #expect(names([second, first]) == [second, "column_6"])
  }

  @Test func `keywords and the names of messages are names as others are`() {
    let words = [
      "message", "optional", "oneof", "true", "syntax", "string", "inf", "map", "to", "max",
    ]
    #expect(names(["id"] + words) == ["id"] + words)
  }

  @Test func `a number's name that an owner has taken gets another`() {
    #expect(names(["id", "x y", "column_6"]) == ["id", "column_6_2", "column_6"])
    #expect(names(["id", "x y", "Column6"]) == ["id", "column_6_2", "Column6"])
    #expect(
      names(["id", "x y", "column_6", "column_6_2"])
        == ["id", "column_6_3", "column_6", "column_6_2"])
    // Without underscores 6_2 is 62.
    #expect(
      names(["id", "x y", "column_6", "column_62"]) == [
        "id", "column_6_3", "column_6", "column_62",
      ])
  }

  @Test func `a system field gives way to a column`() {
    #expect(
      system(["id", "createdAt", "Updated_At", "VERSION", "deleted"])
        == [
          "id", "datasync_created_at", "datasync_updated_at", "datasync_version",
          "datasync_deleted",
        ])
    #expect(
      system(["version", "deleted_"])
        == ["version", "created_at", "updated_at", "datasync_version", "datasync_deleted"])
    #expect(
      system(["id", "created_at", "datasync_created_at", "datasyncCreatedAt2"])
        == ["id", "datasync_created_at_3", "updated_at", "version", "deleted"])
    #expect(names(["id", "created_at", "createdAt"]) == ["id", "created_at", "column_7"])
    // What cannot be spelled meets nothing.
    #expect(system(["id", "created at"])[1] == "created_at")
  }

  @Test func `a column that the owner has chosen is the system field`() {
    let names = FieldNames([
      .init(name: "id", number: 1), .init(name: "is_deleted", number: 5),
      .init(name: "deleted", number: 6),
    ])
    #expect(names[.deleted] == "is_deleted")
    #expect(names[5] == "is_deleted" && names[6] == "deleted" && names[7] == nil)
    #expect(names[.version] == "version")
  }

  @Test func `a name once given stays`() {
    // The earlier column was added later, or the one that it met is gone.
    #expect(
      names(["id", "fooBar", "foo_bar"], given: ["id", nil, "foo_bar"])
        == ["id", "column_6", "foo_bar"])
    #expect(names(["id", "fooBar"], given: ["id", "column_6"]) == ["id", "column_6"])
    #expect(
      names(["id", "x y", "column_6"], given: ["id", "column_6", nil]) == [
        "id", "column_6", "column_7",
      ])
    // Nothing that is no name, and none twice.
    #expect(names(["id", "a", "b"], given: ["id", "a b", "ID"]) == ["id", "a", "b"])
  }

  @Test func `no schema makes an invalid message`() {
    let pieces = [
      "a", "A", "_", "1", "column", "Column", "6", "7", "_2", "datasync", "created", "createdAt",
      "at",
      "version", "deleted", "ü", " ", "", "id",
    ]
    for seed in 0..<2000 {
      var random = SeededGenerator(seed: UInt64(seed))
      var columns: [String] = []
      for _ in 0..<Int.random(in: 1...30, using: &random) {
        let count = Int.random(in: 0...4, using: &random)
        let name = (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
        // SQLite tells columns apart without regard to the case of ASCII.
        if !columns.contains(where: { $0.lowercased() == name.lowercased() }) {
          columns.append(name)
        }
      }
      let given = columns.map { name in
        Int.random(in: 0...3, using: &random) == 0
          ? pieces.randomElement(using: &random) ?? name : nil
      }
      let own = numbered(columns, given: Bool.random(using: &random) ? given : [])
      expectValid(own, "seed \(seed)")
    }
  }

  private func expectValid(_ own: [FieldNames.OwnColumn], _ what: String) {
    let names = FieldNames(own)
    let numbers = Set(1...SystemColumn.count).union(own.map(\.number))
    let all = numbers.compactMap { names[$0] }
    #expect(all.count == numbers.count, "\(what)")
    #expect(all.allSatisfy(FieldNames.isIdentifier), "\(what): \(all)")
    #expect(Set(all.map(FieldNames.comparable)).count == all.count, "\(what): \(all)")
    // And what was given is not given anew.
    let again = FieldNames(
      own.map { .init(name: $0.name, number: $0.number, given: names[$0.number]) })
    #expect(own.allSatisfy { again[$0.number] == names[$0.number] }, "\(what)")
  }

  @Test func `two thousand columns of one name`() {
    let columns = ["id"] + (0..<1999).map { String(repeating: "_", count: $0) + "x" }
    let own = numbered(columns)
    expectValid(own, "2,000 columns")
    let names = FieldNames(own)
    #expect(names[6] == "x" && names[7] == "column_7" && names[2004] == "column_2004")
  }
}

/// SplitMix64: the same numbers for the same seed.
private struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
