import CDatasyncSQLite
import DatasyncModel

/// SQLite copies what it is given before the call returns.
private let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

/// A prepared statement. Thread-confined, as its connection is.
final class Statement {
  private let handle: OpaquePointer
  private unowned let connection: Connection
  /// What a bind was refused with, memory or size: SQLite would go on with NULL in its place.
  private var bindCode = SQLITE_OK

  init(_ sql: String, on connection: Connection) throws(SQLiteFailure) {
    var handle: OpaquePointer?
    let code = sqlite3_prepare_v3(
      connection.handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
    guard code == SQLITE_OK else { throw connection.failure(code) }
    guard let handle else {
      throw SQLiteFailure(extendedCode: SQLITE_MISUSE, message: "an empty statement")
    }
    self.handle = handle
    self.connection = connection
  }

  deinit {
    sqlite3_finalize(handle)
  }

  /// - Returns: Whether there is a row.
  func step() throws(SQLiteFailure) -> Bool {
    try checkBinds()
    let code = sqlite3_step(handle)
    if code == SQLITE_ROW { return true }
    if code == SQLITE_DONE { return false }
    let failure = connection.failure(code)
    sqlite3_reset(handle)
    throw failure
  }

  /// Steps to the end, and is ready for the next time.
  func run() throws(SQLiteFailure) {
    try checkBinds()
    let code = sqlite3_step(handle)
    guard code == SQLITE_DONE || code == SQLITE_ROW else {
      let failure = connection.failure(code)
      sqlite3_reset(handle)
      throw failure
    }
    sqlite3_reset(handle)
  }

  func reset() {
    bindCode = SQLITE_OK
    sqlite3_reset(handle)
  }

  private func checkBinds() throws(SQLiteFailure) {
    guard bindCode != SQLITE_OK else { return }
    let failure = SQLiteFailure(
      extendedCode: bindCode, message: String(cString: sqlite3_errstr(bindCode)))
    reset()
    throw failure
  }

  private func note(_ code: Int32) {
    if code != SQLITE_OK { bindCode = code }
  }

  // MARK: - Parameters, from 1

  func bindNull(_ index: Int32) {
    note(sqlite3_bind_null(handle, index))
  }

  func bind(_ index: Int32, _ value: Int64) {
    note(sqlite3_bind_int64(handle, index, value))
  }

  func bind(_ index: Int32, _ value: Double) {
    // SQLite stores integral reals as integers, so minus zero would come back as zero.
    note(sqlite3_bind_double(handle, index, value == 0 ? 0 : value))
  }

  func bind(_ index: Int32, _ value: String) {
    var value = value
    value.withUTF8 { utf8 in
      guard let base = utf8.baseAddress else {
        note(sqlite3_bind_text(handle, index, "", 0, transient))
        return
      }
      base.withMemoryRebound(to: CChar.self, capacity: utf8.count) { text in
        note(
          sqlite3_bind_text64(
            handle, index, text, UInt64(utf8.count), transient, UInt8(SQLITE_UTF8)))
      }
    }
  }

  /// Text as it lay in a database, which need not be UTF-8.
  private func bind(_ index: Int32, text: [UInt8]) {
    guard !text.isEmpty else { return bind(index, "") }
    text.withUnsafeBytes { bytes in
      let text = bytes.assumingMemoryBound(to: CChar.self).baseAddress
      note(
        sqlite3_bind_text64(
          handle, index, text, UInt64(bytes.count), transient, UInt8(SQLITE_UTF8)))
    }
  }

  func bind(_ index: Int32, _ value: [UInt8]) {
    value.withUnsafeBytes { bytes -> Void in
      if let base = bytes.baseAddress, !bytes.isEmpty {
        note(sqlite3_bind_blob64(handle, index, base, UInt64(bytes.count), transient))
      } else {
        note(sqlite3_bind_zeroblob(handle, index, 0))
      }
    }
  }

  func bind(_ index: Int32, _ value: Value) {
    switch value {
    case .null: bindNull(index)
    case .bool(let value): bind(index, value ? 1 : 0 as Int64)
    case .int64(let value), .timestamp(let value): bind(index, value)
    case .double(let value): bind(index, value)
    case .string(let value): bind(index, value)
    case .bytes(let value): bind(index, value)
    }
  }

  // MARK: - Columns, from 0

  /// SQLITE_INTEGER, SQLITE_FLOAT, SQLITE_TEXT, SQLITE_BLOB or SQLITE_NULL.
  func type(_ index: Int32) -> Int32 { sqlite3_column_type(handle, index) }

  private func isText(_ index: Int32) -> Bool { sqlite3_column_type(handle, index) == SQLITE_TEXT }

  func isNull(_ index: Int32) -> Bool { sqlite3_column_type(handle, index) == SQLITE_NULL }

  func int64(_ index: Int32) -> Int64 { sqlite3_column_int64(handle, index) }

  func int(_ index: Int32) -> Int { Int(sqlite3_column_int64(handle, index)) }

  func double(_ index: Int32) -> Double { sqlite3_column_double(handle, index) }

  /// Text or blob where it lies; valid until the next step.
  func bytes(_ index: Int32) -> UnsafeRawBufferPointer {
    guard let base = sqlite3_column_blob(handle, index) else {
      return UnsafeRawBufferPointer(start: nil, count: 0)
    }
    return UnsafeRawBufferPointer(start: base, count: Int(sqlite3_column_bytes(handle, index)))
  }

  /// The value as text in UTF-8, where it lies; numbers in SQLite's own form.
  func textBytes(_ index: Int32) -> UnsafeRawBufferPointer {
    guard let base = sqlite3_column_text(handle, index) else {
      return UnsafeRawBufferPointer(start: nil, count: 0)
    }
    return UnsafeRawBufferPointer(start: base, count: Int(sqlite3_column_bytes(handle, index)))
  }

  func text(_ index: Int32) -> String {
    // Text is read where it lies; asked for as a C string, it may be copied, which may fail unseen.
    String(decoding: isText(index) ? bytes(index) : textBytes(index), as: UTF8.self)
  }

  func blob(_ index: Int32) -> [UInt8] { Array(bytes(index)) }

  /// The value as SQLite holds it.
  func storedValue(_ index: Int32) -> StoredValue {
    switch type(index) {
    case SQLITE_INTEGER: .integer(int64(index))
    case SQLITE_FLOAT: .real(double(index))
    case SQLITE_TEXT: .text(blob(index))
    case SQLITE_BLOB: .blob(blob(index))
    default: .null
    }
  }

  func bind(_ index: Int32, _ value: StoredValue) {
    switch value {
    case .null: bindNull(index)
    case .integer(let number): bind(index, number)
    case .real(let number): bind(index, number)
    case .text(let bytes): bind(index, text: bytes)
    case .blob(let bytes): bind(index, bytes)
    }
  }

  /// The value by its storage class alone.
  func rawValue(_ index: Int32) -> Value {
    switch type(index) {
    case SQLITE_INTEGER: .int64(int64(index))
    case SQLITE_FLOAT: .double(double(index))
    case SQLITE_TEXT: .string(text(index))
    case SQLITE_BLOB: .bytes(blob(index))
    default: .null
    }
  }
}
