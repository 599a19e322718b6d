package import DatasyncModel

/// Makes the .proto file of a database's tables: a message for each row type, and one service a
/// table.
package enum TablesProto {
  /// - Parameter messagePackage: The protobuf package; the file is named after it.
  package static func file(for catalog: Catalog, messagePackage: String) -> ProtoFile {
    var messages: [ProtoFile.Message] = []
    var services: [ProtoFile.Service] = []
    let isCommented = catalog.tables.count <= TableComments.maxTables
    for table in catalog.tables {
      var made = self.messages(of: table)
      var service = service(of: table)
      if isCommented { comment(&made, &service, of: table) }
      messages += made
      services.append(service)
    }
    return ProtoFile(
      name: messagePackage.split(separator: ".").joined(separator: "/") + ".proto",
      package: messagePackage,
      dependencies: [
        "datasync/v1/datasync.proto", "google/protobuf/field_mask.proto",
        "google/protobuf/timestamp.proto", "google/rpc/status.proto",
      ],
      messages: messages, services: services)
  }

  /// `tables.TodoItemsTable`.
  package static func serviceName(of table: Table) -> String { "\(table.messageName)Table" }

  /// Adds the comments that do not come from the schema.
  private static func comment(
    _ messages: inout [ProtoFile.Message], _ service: inout ProtoFile.Service, of table: Table
  ) {
    for index in messages[0].fields.indices {
      let comments = [messages[0].fields[index].comment, TableComments.column(index, of: table)]
      messages[0].fields[index].comment = comments.filter { !$0.isEmpty }.joined(separator: "\n")
    }
    for position in messages.indices.dropFirst() {
      let ending = String(messages[position].name.dropFirst(messages[0].name.count))
      messages[position].comment = TableComments.message(ending)
      for index in messages[position].fields.indices {
        messages[position].fields[index].comment = TableComments.field(
          messages[position].fields[index].name, of: ending)
      }
    }
    for index in service.methods.indices {
      service.methods[index].comment = TableComments.method(service.methods[index].name)
    }
  }

  private static func messages(of table: Table) -> [ProtoFile.Message] {
    let name = String(table.messageName.split(separator: ".").last ?? "")
    let row = table.messageName
    return [
      ProtoFile.Message(
        name: name, comment: table.comment, fields: table.columns.map { field($0, of: table) }),
      ProtoFile.Message(
        name: "\(name)Replace",
        fields: [
          .init(name: "row", number: 1, kind: .message(row)),
          .init(name: "if_version", number: 2, kind: .scalar(.uint64)),
          .init(name: "allow_missing", number: 3, kind: .scalar(.bool)),
          .init(name: "include_deleted", number: 4, kind: .scalar(.bool)),
          .init(name: "mutation_id", number: 5, kind: .scalar(.string)),
        ]),
      ProtoFile.Message(
        name: "\(name)Update",
        fields: [
          .init(name: "row", number: 1, kind: .message(row)),
          .init(name: "update_mask", number: 2, kind: .message("google.protobuf.FieldMask")),
          .init(name: "if_version", number: 3, kind: .scalar(.uint64)),
          .init(name: "allow_missing", number: 4, kind: .scalar(.bool)),
          .init(name: "include_deleted", number: 5, kind: .scalar(.bool)),
          .init(name: "mutation_id", number: 6, kind: .scalar(.string)),
        ]),
      ProtoFile.Message(
        name: "\(name)Page",
        fields: [
          .init(name: "rows", number: 1, kind: .message(row), label: .repeated),
          .init(name: "next_page_token", number: 2, kind: .scalar(.string)),
          .init(name: "total", number: 3, kind: .scalar(.uint64)),
          .init(name: "resume_token", number: 4, kind: .scalar(.string)),
          .init(name: "errors", number: 5, kind: .message("google.rpc.Status"), label: .repeated),
        ]),
      event(name: name, row: row),
    ]
  }

  private static func event(name: String, row: String) -> ProtoFile.Message {
    ProtoFile.Message(
      name: "\(name)Event",
      fields: [
        .init(
          name: "operation", number: 1, kind: .enumeration("datasync.v1.Change.Operation")),
        .init(name: "id", number: 2, kind: .scalar(.string)),
        .init(name: "row", number: 3, kind: .message(row)),
        .init(name: "previous", number: 4, kind: .message(row)),
        .init(name: "sequence", number: 5, kind: .scalar(.uint64)),
        .init(name: "changed_fields", number: 6, kind: .scalar(.string), label: .repeated),
        .init(name: "own", number: 7, kind: .scalar(.bool)),
        .init(name: "more", number: 8, kind: .scalar(.bool)),
        .init(name: "initial", number: 9, kind: .scalar(.bool)),
        .init(name: "left_view", number: 10, kind: .scalar(.bool)),
        .init(name: "origin", number: 11, kind: .scalar(.string)),
        .init(name: "committed_at", number: 12, kind: .message("google.protobuf.Timestamp")),
        .init(name: "checkpoint", number: 13, kind: .message("datasync.v1.Checkpoint")),
        .init(name: "unreadable", number: 14, kind: .message("datasync.v1.Unreadable")),
      ])
  }

  private static func field(_ column: Column, of table: Table) -> ProtoFile.Field {
    var comment = table.columnComments[column.name] ?? ""
    let form: String? =
      switch column.type {
      case .date: "A date, YYYY-MM-DD."
      case .timeOfDay: "A time of day, HH:MM:SS with up to 6 decimals."
      case .decimal: "A decimal number."
      case .uuid: "A UUID."
      case .json: "JSON."
      case .enumeration(let values): "One of " + values.joined(separator: ", ") + "."
      case .bool, .int64, .double, .string, .bytes, .timestamp: nil
      }
    if let form { comment += comment.isEmpty ? form : "\n\(form)" }
    let kind: ProtoFile.Field.Kind =
      switch column.type {
      case .bool: .scalar(.bool)
      case .int64: .scalar(.int64)
      case .double: .scalar(.double)
      case .bytes: .scalar(.bytes)
      case .timestamp: .message("google.protobuf.Timestamp")
      case .string, .date, .timeOfDay, .decimal, .uuid, .json, .enumeration: .scalar(.string)
      }
    return ProtoFile.Field(
      name: column.name, number: column.number, kind: kind, label: .optional, comment: comment)
  }

  private static func service(of table: Table) -> ProtoFile.Service {
    let row = table.messageName
    return ProtoFile.Service(
      name: String(serviceName(of: table).split(separator: ".").last ?? ""),
      comment: "The rows of \(table.name).",
      methods: [
        .init(name: "Create", input: row, output: row),
        .init(
          name: "Get", input: "datasync.v1.GetRequest", output: row, hasSideEffects: false),
        .init(name: "Replace", input: "\(row)Replace", output: row),
        .init(name: "Update", input: "\(row)Update", output: row),
        .init(name: "Delete", input: "datasync.v1.DeleteRequest", output: row),
        .init(
          name: "Query", input: "datasync.v1.QueryRequest", output: "\(row)Page",
          hasSideEffects: false),
        .init(
          name: "Watch", input: "datasync.v1.SubscribeRequest", output: "\(row)Event",
          isServerStreaming: true),
      ])
  }
}
