package import DatasyncModel

/// A change as one view sees it, without what differs between the subscribers of that view (`own`,
/// `more`). A value.
package struct ChangeEvent: Sendable {
  package enum Operation: UInt64, Sendable {
    case add = 1
    case update = 2
    case delete = 3
  }

  package var operation: Operation
  package var table: Table
  package var id: String
  package var sequence: Sequence
  /// What the subscriber gets of the row; nil on DELETE.
  package var image: RowImage?
  package var previous: RowImage?
  package var changedFields: [String] = []
  package var origin = ""
  /// Microseconds since 1970 UTC.
  package var committedAt: Int64 = 0
  package var isInitial = false
  package var leftView = false

  package init(
    operation: Operation, table: Table, id: String, sequence: Sequence, image: RowImage?
  ) {
    self.operation = operation
    self.table = table
    self.id = id
    self.sequence = sequence
    self.image = image
  }

  /// The bytes of a `datasync.v1.Change`; `own` and `more` may be appended.
  package func encodedChange() -> [UInt8] {
    var writer = WireWriter(
      reservingCapacity: 96 + id.utf8.count + (image?.bytes.count ?? 0)
        + (previous?.bytes.count ?? 0))
    writer.append(field: 1, varint: operation.rawValue)
    writer.append(field: 2, string: table.name)
    writer.append(field: 3, string: id)
    writer.append(field: 4, varint: sequence.rawValue)
    let typeURL = Encode.typeURLPrefix + table.messageName
    if let image { writer.append(field: 5, any: image, typeURL: typeURL) }
    if let previous { writer.append(field: 6, any: previous, typeURL: typeURL) }
    for field in changedFields { writer.append(field: 7, string: field) }
    if !origin.isEmpty { writer.append(field: 8, string: origin) }
    if committedAt != 0 { writer.append(field: 10, timestamp: committedAt) }
    if isInitial { writer.append(field: 12, bool: true) }
    if leftView { writer.append(field: 13, bool: true) }
    return writer.bytes
  }

  /// The bytes of the table's own event message (`tables.TodoItemsEvent`); SEMANTICS "Typed
  /// services".
  package func encodedRowEvent() -> [UInt8] {
    var writer = WireWriter(
      reservingCapacity: 64 + id.utf8.count + (image?.bytes.count ?? 0)
        + (previous?.bytes.count ?? 0))
    writer.append(field: 1, varint: operation.rawValue)
    writer.append(field: 2, string: id)
    if let image { writer.append(field: 3, bytes: image.bytes) }
    if let previous { writer.append(field: 4, bytes: previous.bytes) }
    writer.append(field: 5, varint: sequence.rawValue)
    for field in changedFields { writer.append(field: 6, string: field) }
    if isInitial { writer.append(field: 9, bool: true) }
    if leftView { writer.append(field: 10, bool: true) }
    if !origin.isEmpty { writer.append(field: 11, string: origin) }
    if committedAt != 0 { writer.append(field: 12, timestamp: committedAt) }
    return writer.bytes
  }
}

/// Field numbers that are written beside a shared ``ChangeEvent``. Source: datasync.proto, SEMANTICS.
package enum EventField {
  /// SessionResponse.request_id and .event.
  package static let requestID = 1
  package static let event = 9
  /// Event.change and .checkpoint.
  package static let change = 1
  package static let checkpoint = 2
  /// Change.own and .more.
  package static let own = 9
  package static let more = 11
  /// RowEvent.own, .more and .checkpoint.
  package static let rowOwn = 7
  package static let rowMore = 8
  package static let rowCheckpoint = 13
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

extension WireWriter {
  /// A google.protobuf.Any that holds a row.
  fileprivate mutating func append(field number: Int, any image: RowImage, typeURL: String) {
    let url = typeURL.utf8.count
    let value = image.bytes.count
    var size = 1 + WireWriter.varintSize(UInt64(url)) + url
    if value > 0 { size += 1 + WireWriter.varintSize(UInt64(value)) + value }
    appendTag(number, .lengthDelimited)
    appendVarint(UInt64(size))
    append(field: 1, string: typeURL)
    if value > 0 { append(field: 2, bytes: image.bytes) }
  }
}
