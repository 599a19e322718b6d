import DatasyncModel
import Testing

@testable import DatasyncMessages

@Suite struct ProtoFileTests {
  @Test(arguments: [
    ("id", "id"), ("created_at", "createdAt"), ("best_picture_winner", "bestPictureWinner"),
    ("_x", "X"), ("a__b", "aB"), ("URL", "URL"), ("trailing_", "trailing"),
  ])
  func `JSON names are made as protoc makes them`(_ name: String, _ expected: String) {
    #expect(ProtoFile.jsonName(of: name) == expected)
  }

  @Test func `the text declares every field with presence and its number`() {
    let table = Table(
      id: 1, name: "todo_items", messageName: "tables.TodoItems",
      columns: [
        Column(name: "key", type: .string, number: 1, isNullable: false, isSystem: true),
        Column(name: "created_at", type: .timestamp, number: 2, isNullable: false),
        Column(name: "updated_at", type: .timestamp, number: 3, isNullable: false),
        Column(name: "version", type: .int64, number: 4, isNullable: false),
        Column(name: "deleted", type: .bool, number: 5, isNullable: false),
        Column(name: "title", type: .string, number: 9, isNullable: false),
      ], comment: "What is to be done.", columnComments: ["title": "In one line."])
    let text = TablesProto.file(
      for: Catalog(tables: [table], generation: 1), messagePackage: "tables"
    ).text
    #expect(text.contains("// What is to be done.\nmessage TodoItems {"))
    #expect(text.contains("  optional string key = 1;"))
    #expect(text.contains("  // In one line.\n  optional string title = 9;"))
    #expect(text.contains("rpc Watch(.datasync.v1.SubscribeRequest)") == false)
    #expect(
      text.contains(
        "rpc Watch(datasync.v1.SubscribeRequest) returns (stream tables.TodoItemsEvent);"))
  }
}
