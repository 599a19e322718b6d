import Testing

@testable import DatasyncStore

@Suite struct MessageNamesTests {
  private func names(_ tables: [String], known: [String] = []) -> [String] {
    var names = MessageNames(known: known)
    return tables.enumerated().map { names.name(ofTable: $1, id: $0 + 1) }
  }

  @Test func `a table's name in CamelCase, what protobuf cannot spell left out`() {
    #expect(
      names(["todo_items", "unit price", "2 fast", "ü", "größe", "HTTPLog", "_x", "a.b-c", "", "🙂"])
        == [
          "TodoItems", "UnitPrice", "T2Fast", "Table4", "GrE", "HTTPLog", "X", "ABC", "Table9",
          "Table10",
        ])
  }

  @Test func `names that meet get a number`() {
    #expect(names(["todo", "Todo", "to do", "to_do"]) == ["Todo", "Todo2", "ToDo", "ToDo2"])
    #expect(names(["a", "A", "a2", "a_"]) == ["A", "A2", "A22", "A3"])
    #expect(names(["table2", "ü"]) == ["Table2", "Table22"])
  }

  /// A table's messages and service are called TodoPage, TodoReplace, TodoUpdate, TodoEvent and
  /// TodoTable.
  @Test(arguments: ["page", "replace", "update", "event", "table"])
  func `no table is called what another brings with it`(_ member: String) {
    let word = member.prefix(1).uppercased() + member.dropFirst()
    #expect(names(["todo", "todo_\(member)"]) == ["Todo", "Todo\(word)2"])
    #expect(names(["todo_\(member)", "todo"]) == ["Todo\(word)", "Todo2"])
  }

  @Test func `a name stays with the table that had it`() {
    #expect(names(["todo"], known: ["Todo"]) == ["Todo2"])
    #expect(names(["todo", "todo"], known: ["Todo", "Todo2Page"]) == ["Todo3", "Todo4"])
  }

  @Test func `whatever the tables are called, no two symbols are the same`() {
    let pieces = [
      "todo", "Todo", "_", " ", "2", "22", "page", "Page", "table", "event", "ü", "T", "-",
    ]
    var random = SystemRandomNumberGenerator()
    for _ in 0..<300 {
      var tables: [String] = []
      for _ in 0..<40 {
        let count = Int.random(in: 0...4, using: &random)
        let name = (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
        if !tables.contains(where: { $0.lowercased() == name.lowercased() }) { tables.append(name) }
      }
      let messages = names(tables)
      let symbols = messages.flatMap { ProtobufName.family(of: $0) }
      #expect(Set(symbols).count == symbols.count, "\(tables)")
      #expect(messages.allSatisfy { ProtobufName.isIdentifier($0) }, "\(messages)")
    }
  }

  @Test func `thousands of tables of one name`() {
    let messages = names((0..<3000).map { "t" + String(repeating: "_", count: $0) })
    #expect(messages.first == "T" && messages.last == "T3000")
  }
}
