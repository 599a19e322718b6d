package import DatasyncModel

/// A change as one view sees it, without what differs between the subscribers of that view (`own`,
/// `more`). Its bytes are lent: confined to their lifetime.
package struct ChangeEvent {
  /// Raw values are `datasync.v1.Change.Operation`.
  package enum Operation: UInt64, Sendable {
    case add = 1
    case update = 2
    case delete = 3
  }

  /// What became of the view: ADD is a row that came into it, DELETE one that left it.
  package var operation: Operation
  /// Gives its name and its type URL; the columns do not matter here.
  package var table: Table
  /// The key as text.
  package var id: UnsafeRawBufferPointer
  /// The change's, and so the row's version; of an initial row, its version.
  package var sequence: Sequence
  /// What the subscriber gets of the row; nil on DELETE.
  package var image: UnsafeRawBufferPointer?
  /// What the subscriber saw of the row before; nil: not asked for, an ADD, or no room for it beside
  /// `image`.
  package var previous: UnsafeRawBufferPointer?
  /// Names of the fields whose stored value differs, `version` and `updated_at` aside; on UPDATE alone.
  package var changedFields: [String] = []
  /// The writer's client id, UTF-8. Empty: written outside the server, by a caller without an id, or an
  /// initial row.
  package var origin = UnsafeRawBufferPointer(start: nil, count: 0)
  /// Microseconds since 1970 UTC.
  package var committedAt: Int64 = 0
  /// One of the rows that the subscription begins with.
  package var isInitial = false
  /// On DELETE: the row still exists, undeleted, but not in this view.
  package var leftView = false

  /// All else is absent or false until it is set. `image` may be set later, too.
  package init(
    operation: Operation, table: Table, id: UnsafeRawBufferPointer, sequence: Sequence,
    image: UnsafeRawBufferPointer?
  ) {
    self.operation = operation
    self.table = table
    self.id = id
    self.sequence = sequence
    self.image = image
  }

  /// The bytes of a `datasync.v1.Change`; `own` and `more` may be appended.
  package func encodedChange() -> [UInt8] {
    WireOutput.bytes(maxBytes: maxBytes) { write(to: &$0) }
  }

  /// Writes a `datasync.v1.Change`, without a tag and a length of its own: ``maxBytes`` at most.
  package func write(to output: inout WireOutput) {
    output.write(field: 1, varint: operation.rawValue)
    output.write(field: 2, string: table.name)
    output.write(field: 3, bytes: id)
    output.write(field: 4, varint: sequence.rawValue)
    if let image { output.write(field: 5, any: image, typeURL: table.typeURL) }
    if let previous { output.write(field: 6, any: previous, typeURL: table.typeURL) }
    for field in changedFields { output.write(field: 7, string: field) }
    if !origin.isEmpty { output.write(field: 8, bytes: origin) }
    if committedAt != 0 { output.write(field: 10, timestamp: committedAt) }
    if isInitial { output.write(field: 12, varint: 1) }
    if leftView { output.write(field: 13, varint: 1) }
  }

  /// The bytes of the table's own event message (`tables.TodoItemsEvent`).
  package func encodedRowEvent() -> [UInt8] {
    WireOutput.bytes(maxBytes: maxBytes) { writeRowEvent(to: &$0) }
  }

  /// Writes the table's own event message as ``write(to:)`` does the Change. It names no table.
  package func writeRowEvent(to output: inout WireOutput) {
    output.write(field: 1, varint: operation.rawValue)
    output.write(field: 2, bytes: id)
    if let image { output.write(field: 3, bytes: image) }
    if let previous { output.write(field: 4, bytes: previous) }
    output.write(field: 5, varint: sequence.rawValue)
    for field in changedFields { output.write(field: 6, string: field) }
    if isInitial { output.write(field: 9, varint: 1) }
    if leftView { output.write(field: 10, varint: 1) }
    if !origin.isEmpty { output.write(field: 11, bytes: origin) }
    if committedAt != 0 { output.write(field: 12, timestamp: committedAt) }
  }

  /// The most that an encoding takes: every text and image, and for each field a tag and a length.
  package var maxBytes: Int {
    let texts = table.name.utf8.count + id.count + origin.count
    let fields = changedFields.reduce(0) { $0 + $1.utf8.count + 11 }
    let images = (image?.count ?? 0) + (previous?.count ?? 0)
    return 192 + texts + fields + images + 2 * table.typeURL.utf8.count
  }
}

/// Field numbers that are written beside a shared ``ChangeEvent``. Source: datasync.proto.
package enum EventField {
  /// SessionResponse.request_id and .event.
  package static let requestID = 1
  package static let event = 9
  /// Event.change, .checkpoint and .unreadable.
  package static let change = 1
  package static let checkpoint = 2
  package static let unreadable = 3
  /// Change.own and .more.
  package static let own = 9
  package static let more = 11
  /// Unreadable.more.
  package static let unreadableMore = 5
  /// RowEvent.own, .more, .checkpoint and .unreadable.
  package static let rowOwn = 7
  package static let rowMore = 8
  /// With this or with the next, nothing else is set.
  package static let rowCheckpoint = 13
  package static let rowUnreadable = 14
}

/// The bytes of a `datasync.v1.Checkpoint`.
package func encodedCheckpoint(resumeToken: String, sequence: Sequence, isCurrent: Bool) -> [UInt8]
{
  var writer = WireWriter(reservingCapacity: 64)
  writer.append(field: 1, string: resumeToken)
  if sequence != .zero { writer.append(field: 2, varint: sequence.rawValue) }
  if isCurrent { writer.append(field: 3, bool: true) }
  return writer.bytes
}

extension WireOutput {
  /// A google.protobuf.Any that holds a row.
  fileprivate mutating func write(
    field number: Int, any image: UnsafeRawBufferPointer, typeURL: String
  ) {
    let value = image.count
    var size = WireWriter.fieldSize(typeURL.utf8.count)
    if value > 0 { size += WireWriter.fieldSize(value) }
    write(field: number, length: size)
    write(field: 1, string: typeURL)
    if value > 0 { write(field: 2, bytes: image) }
  }
}
