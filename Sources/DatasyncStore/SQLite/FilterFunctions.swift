import CDatasyncSQLite
import DatasyncFilter
import DatasyncFilterSQLite
import DatasyncModel

private let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

/// A function's body where C can reach it.
private final class FunctionBox {
  let body: SQLFunction.Body
  let budget: FilterBudget

  init(_ body: @escaping SQLFunction.Body, _ budget: FilterBudget) {
    self.body = body
    self.budget = budget
  }
}

extension Connection {
  /// Makes every function that filters need known to this connection.
  ///
  /// - Parameter budget: What takes more ends the statement; see ``SQLiteFailure/filterLimit``.
  func registerFilterFunctions(_ budget: FilterBudget) throws(SQLiteFailure) {
    for function in SQLFunction.all {
      try register(
        function.name, argumentCount: function.argumentCount,
        FunctionBox(function.body, budget))
    }
  }

  /// Makes a function of SQL for our own statements, which no schema can call; it must give the same
  /// for the same arguments.
  func register(
    _ name: String, argumentCount: Int, _ body: @escaping @Sendable ([Value]) -> Value
  ) throws(SQLiteFailure) {
    try register(
      name, argumentCount: argumentCount,
      FunctionBox({ (arguments, _) throws(FilterFault) in body(arguments) }, .unlimited))
  }

  private func register(
    _ name: String, argumentCount: Int, _ box: FunctionBox
  ) throws(SQLiteFailure) {
    let box = Unmanaged.passRetained(box)
    let code = sqlite3_create_function_v2(
      handle, name, Int32(argumentCount), SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
      box.toOpaque(),
      { context, count, arguments in call(context, count, arguments) }, nil, nil,
      { box in
        guard let box else { return }
        Unmanaged<FunctionBox>.fromOpaque(box).release()
      })
    guard code == SQLITE_OK else { throw failure(code) }
  }
}

private func call(
  _ context: OpaquePointer?, _ count: Int32,
  _ arguments: UnsafeMutablePointer<OpaquePointer?>?
) {
  guard let context, let data = sqlite3_user_data(context) else { return }
  let box = Unmanaged<FunctionBox>.fromOpaque(data).takeUnretainedValue()
  var values: [Value] = []
  values.reserveCapacity(Int(count))
  for index in 0..<Int(count) {
    values.append(argument(arguments?[index]))
  }
  do throws(FilterFault) {
    setResult(context, try box.body(values, box.budget))
  } catch {
    sqlite3_result_error(context, error.message, -1)
    sqlite3_result_error_code(context, SQLiteFailure.code(of: error))
  }
}

extension SQLiteFailure {
  /// Extended codes of ours.
  fileprivate static func code(of fault: FilterFault) -> Int32 {
    switch fault {
    case .text: SQLITE_TOOBIG | 0x71 << 8
    case .work: SQLITE_TOOBIG | 0x72 << 8
    }
  }

  /// What a filter met, where that is the failure.
  var filterLimit: DatasyncError? {
    for fault in [FilterFault.text(limit: 0), .work(limit: 0)]
    where extendedCode == SQLiteFailure.code(of: fault) {
      return FilterFault.error(message, limitName: fault.limitName)
    }
    return nil
  }
}

private func argument(_ value: OpaquePointer?) -> Value {
  switch sqlite3_value_type(value) {
  case SQLITE_INTEGER: return .int64(sqlite3_value_int64(value))
  case SQLITE_FLOAT: return .double(sqlite3_value_double(value))
  case SQLITE_TEXT:
    guard let text = sqlite3_value_text(value) else { return .string("") }
    let count = Int(sqlite3_value_bytes(value))
    let bytes = UnsafeBufferPointer(start: text, count: count)
    // What no text column of ours can hold is no text.
    guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
      return .bytes(Array(bytes))
    }
    return .string(text)
  case SQLITE_BLOB:
    guard let bytes = sqlite3_value_blob(value) else { return .bytes([]) }
    let count = Int(sqlite3_value_bytes(value))
    return .bytes(Array(UnsafeRawBufferPointer(start: bytes, count: count)))
  default: return .null
  }
}

private func setResult(_ context: OpaquePointer, _ value: Value) {
  switch value {
  case .null: sqlite3_result_null(context)
  case .bool(let value): sqlite3_result_int64(context, value ? 1 : 0)
  case .int64(let value), .timestamp(let value): sqlite3_result_int64(context, value)
  case .double(let value): sqlite3_result_double(context, value)
  case .string(var value):
    value.withUTF8 { utf8 in
      let count = Int32(clamping: utf8.count)
      guard let base = utf8.baseAddress else {
        sqlite3_result_text(context, "", 0, transient)
        return
      }
      base.withMemoryRebound(to: CChar.self, capacity: utf8.count) { text in
        sqlite3_result_text(context, text, count, transient)
      }
    }
  case .bytes(let value):
    value.withUnsafeBytes { bytes in
      if let base = bytes.baseAddress, !bytes.isEmpty {
        sqlite3_result_blob(context, base, Int32(clamping: bytes.count), transient)
      } else {
        sqlite3_result_zeroblob(context, 0)
      }
    }
  }
}
