import CDatasyncMessages
import DatasyncModel
import DatasyncProtobuf

extension Encode {
  static func describe(
    _ tables: [DescribedTable], _ notServed: [NotServed], _ arena: MessageArena
  ) -> UnsafeMutablePointer<Datasync__V1__DescribeResponse> {
    let message = arena.make(datasync__v1__describe_response__init)
    message.pointee.n_tables = tables.count
    message.pointee.tables = arena.array(tables) { table($0, arena) }
    message.pointee.n_not_served = notServed.count
    message.pointee.not_served = arena.array(notServed) { self.notServed($0, arena) }
    return message
  }

  private static func notServed(
    _ notServed: NotServed, _ arena: MessageArena
  ) -> UnsafeMutablePointer<Datasync__V1__NotServed>? {
    let message = arena.make(datasync__v1__not_served__init)
    message.pointee.table = arena.bytes(notServed.table)
    message.pointee.reason = arena.bytes(notServed.reason)
    return message
  }

  private static func table(
    _ described: DescribedTable, _ arena: MessageArena
  ) -> UnsafeMutablePointer<Datasync__V1__Table>? {
    let table = described.table
    let columns = table.columns.indices.filter { !table.hidden.contains($0) }
    let message = arena.make(datasync__v1__table__init)
    message.pointee.name = arena.bytes(table.name)
    message.pointee.message_type = arena.bytes(table.messageName)
    message.pointee.n_columns = columns.count
    message.pointee.columns = arena.array(columns) { column(table.columns[$0], arena) }
    message.pointee.soft_delete = table.softDelete ? 1 : 0
    message.pointee.default_page_size = UInt32(described.defaultPageSize)
    message.pointee.max_page_size = UInt32(described.maxPageSize)
    message.pointee.n_allowed = described.allowed.count
    message.pointee.allowed = arena.array(described.allowed) { operation($0) }
    return message
  }

  private static func operation(_ operation: DescribedTable.Operation) -> Datasync__V1__Operation {
    switch operation {
    case .read: DATASYNC__V1__OPERATION__READ
    case .create: DATASYNC__V1__OPERATION__CREATE
    case .update: DATASYNC__V1__OPERATION__UPDATE
    case .delete: DATASYNC__V1__OPERATION__DELETE
    }
  }

  private static func column(
    _ column: Column, _ arena: MessageArena
  ) -> UnsafeMutablePointer<Datasync__V1__Column>? {
    let message = arena.make(datasync__v1__column__init)
    message.pointee.name = arena.bytes(column.name)
    message.pointee.type = type(column.type)
    message.pointee.number = UInt32(column.number)
    message.pointee.nullable = column.isNullable ? 1 : 0
    message.pointee.system = column.isSystem ? 1 : 0
    if column.storedName != column.name {
      message.pointee.stored_name = arena.bytes(column.storedName)
    }
    if case .enumeration(let values) = column.type {
      message.pointee.n_enum_values = values.count
      message.pointee.enum_values = arena.array(values) { arena.bytes($0) }
    }
    return message
  }

  private static func type(_ type: ColumnType) -> Datasync__V1__Column__Type {
    switch type {
    case .bool: DATASYNC__V1__COLUMN__TYPE__BOOL
    case .int64: DATASYNC__V1__COLUMN__TYPE__INT64
    case .double: DATASYNC__V1__COLUMN__TYPE__DOUBLE
    case .string: DATASYNC__V1__COLUMN__TYPE__STRING
    case .bytes: DATASYNC__V1__COLUMN__TYPE__BYTES
    case .timestamp: DATASYNC__V1__COLUMN__TYPE__TIMESTAMP
    case .date: DATASYNC__V1__COLUMN__TYPE__DATE
    case .timeOfDay: DATASYNC__V1__COLUMN__TYPE__TIME_OF_DAY
    case .decimal: DATASYNC__V1__COLUMN__TYPE__DECIMAL
    case .uuid: DATASYNC__V1__COLUMN__TYPE__UUID
    case .json: DATASYNC__V1__COLUMN__TYPE__JSON
    case .enumeration: DATASYNC__V1__COLUMN__TYPE__ENUM
    }
  }
}
