import CDatasyncSQLite
import DatasyncFilter
import DatasyncFilterSQLite
import DatasyncModel

/// A SQLite database in memory with the filter's functions, for one test. Confined to its thread.
final class TestDatabase {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private let handle: OpaquePointer
  private let budget: FilterBudget
  private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

  init(_ budget: FilterBudget = .default) throws {
    self.budget = budget
    var handle: OpaquePointer?
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
    guard sqlite3_open_v2(":memory:", &handle, flags, nil) == SQLITE_OK, let handle else {
      throw Failure(description: "no database in memory")
    }
    self.handle = handle
    for function in SQLFunction.all { try register(function) }
  }

  deinit {
    sqlite3_close_v2(handle)
  }

  func execute(_ sql: String) throws {
    guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw failure(sql) }
  }

  /// Runs a statement with bound values and returns all columns of all rows.
  @discardableResult
  func run(_ sql: String, _ bindings: [Value] = []) throws -> [[Value]] {
    var statement: OpaquePointer?
    guard sqlite3_prepare_v2(handle, sql, -1, &statement, nil) == SQLITE_OK, let statement else {
      throw failure(sql)
    }
    defer { sqlite3_finalize(statement) }
    guard sqlite3_bind_parameter_count(statement) == Int32(bindings.count) else {
      throw Failure(description: "\(bindings.count) bindings for \(sql)")
    }
    for (index, value) in bindings.enumerated() { bind(value, at: Int32(index + 1), of: statement) }
    var rows: [[Value]] = []
    while true {
      switch sqlite3_step(statement) {
      case SQLITE_ROW:
        rows.append((0..<sqlite3_column_count(statement)).map { column($0, of: statement) })
      case SQLITE_DONE:
        return rows
      default:
        throw failure(sql)
      }
    }
  }

  /// SQLite's plan, a line a step.
  func plan(_ sql: String, _ bindings: [Value]) throws -> String {
    try run("EXPLAIN QUERY PLAN \(sql)", bindings).map { row in
      if case .string(let detail) = row[3] { detail } else { "" }
    }.joined(separator: "\n")
  }

  // MARK: - Values

  private func bind(_ value: Value, at index: Int32, of statement: OpaquePointer) {
    switch value {
    case .null: sqlite3_bind_null(statement, index)
    case .bool(let value): sqlite3_bind_int64(statement, index, value ? 1 : 0)
    case .int64(let value), .timestamp(let value): sqlite3_bind_int64(statement, index, value)
    case .double(let value): sqlite3_bind_double(statement, index, value)
    case .string(let value):
      sqlite3_bind_text(statement, index, value, Int32(value.utf8.count), TestDatabase.transient)
    case .bytes(let value):
      if value.isEmpty {
        sqlite3_bind_zeroblob(statement, index, 0)
      } else {
        sqlite3_bind_blob(statement, index, value, Int32(value.count), TestDatabase.transient)
      }
    }
  }

  private func column(_ index: Int32, of statement: OpaquePointer) -> Value {
    sqlite3_column_value(statement, index).map { TestDatabase.value(of: $0) } ?? .null
  }

  private static func value(of value: OpaquePointer) -> Value {
    switch sqlite3_value_type(value) {
    case SQLITE_INTEGER: return .int64(sqlite3_value_int64(value))
    case SQLITE_FLOAT: return .double(sqlite3_value_double(value))
    case SQLITE_TEXT:
      let count = Int(sqlite3_value_bytes(value))
      let bytes = UnsafeBufferPointer(start: sqlite3_value_text(value), count: count)
      guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
        return .bytes(Array(bytes))
      }
      return .string(text)
    case SQLITE_BLOB:
      let count = Int(sqlite3_value_bytes(value))
      return .bytes(
        sqlite3_value_blob(value).map { Array(UnsafeRawBufferPointer(start: $0, count: count)) }
          ?? [])
    default: return .null
    }
  }

  // MARK: - Functions

  private final class Box {
    let function: SQLFunction
    let budget: FilterBudget

    init(_ function: SQLFunction, _ budget: FilterBudget) {
      self.function = function
      self.budget = budget
    }
  }

  private func register(_ function: SQLFunction) throws {
    let box = Unmanaged.passRetained(Box(function, budget)).toOpaque()
    let code = sqlite3_create_function_v2(
      handle, function.name, Int32(function.argumentCount), SQLITE_UTF8 | SQLITE_DETERMINISTIC, box,
      { context, count, arguments in
        let box = Unmanaged<Box>.fromOpaque(sqlite3_user_data(context)).takeUnretainedValue()
        let values = (0..<Int(count)).map { index in
          arguments?[index].map { TestDatabase.value(of: $0) } ?? .null
        }
        do throws(FilterFault) {
          TestDatabase.answer(try box.function.body(values, box.budget), to: context)
        } catch {
          sqlite3_result_error(context, error.message, -1)
        }
      }, nil, nil, { box in box.map { Unmanaged<Box>.fromOpaque($0).release() } })
    guard code == SQLITE_OK else { throw failure(function.name) }
  }

  private static func answer(_ value: Value, to context: OpaquePointer?) {
    switch value {
    case .int64(let value): sqlite3_result_int64(context, value)
    case .double(let value): sqlite3_result_double(context, value)
    case .string(let value):
      sqlite3_result_text(context, value, Int32(value.utf8.count), transient)
    case .bytes(let value): sqlite3_result_blob(context, value, Int32(value.count), transient)
    case .null: sqlite3_result_null(context)
    case .bool, .timestamp:
      sqlite3_result_error(context, "a function answers with storage classes only", -1)
    }
  }

  private func failure(_ sql: String) -> Failure {
    Failure(description: "\(String(cString: sqlite3_errmsg(handle))) in: \(sql)")
  }
}
