/// Reads what stands in a column, in whatever form, as the column's type.
package enum FormReader {
  /// NULL reads as null, whatever the type.
  ///
  /// - Throws: ``FormMisfit`` where the value cannot be read; it does not tell the value.
  package static func value(
    _ stored: StoredValue, type: ColumnType, form: ColumnForm
  ) throws(FormMisfit) -> Value {
    switch stored {
    case .null: return .null
    case .integer(let number): return try value(integer: number, type: type, form: form)
    case .real(let number): return try value(real: number, type: type, form: form)
    case .text(let bytes):
      return try bytes.withUnsafeBytes { bytes in
        Result { () throws(FormMisfit) in try value(text: bytes, type: type, form: form) }
      }.get()
    case .blob(let bytes):
      return try bytes.withUnsafeBytes { bytes in
        Result { () throws(FormMisfit) in try value(blob: bytes, type: type) }
      }.get()
    }
  }

  /// Reads a value of storage class INTEGER; a moment in the unit that its size or the form tells.
  package static func value(
    integer: Int64, type: ColumnType, form: ColumnForm
  ) throws(FormMisfit) -> Value {
    switch type {
    case .int64: return .int64(integer)
    case .double: return .double(Double(integer))
    case .bool:
      guard 0...1 ~= integer else { throw FormMisfit("an integer", whereBelongs: "0 or 1") }
      return .bool(integer == 1)
    case .timestamp:
      guard let moment = TimeNumber.moment(of: integer, form: form.numbers) else {
        throw noMoment(form)
      }
      return .timestamp(moment)
    case .string, .decimal, .json(asWritten: false): return .string(String(integer))
    case .enumeration: return try value(text: String(integer), type: type, form: form)
    case .bytes, .date, .timeOfDay, .uuid, .json(asWritten: true):
      throw FormMisfit("an integer", whereBelongs: type.content)
    }
  }

  /// Reads a value of storage class REAL, which must be finite.
  package static func value(
    real: Double, type: ColumnType, form: ColumnForm
  ) throws(FormMisfit) -> Value {
    guard real.isFinite else { throw FormMisfit("it is no finite number") }
    switch type {
    case .double: return .double(real)
    case .bool:
      guard real == 0 || real == 1 else {
        throw FormMisfit("a real number", whereBelongs: "0 or 1")
      }
      return .bool(real == 1)
    case .timestamp:
      guard let moment = TimeNumber.moment(of: real, form: form.numbers) else {
        throw noMoment(form)
      }
      return .timestamp(moment)
    case .decimal:
      guard let text = NumericDecimal.text(of: real) else {
        throw FormMisfit("a real number", whereBelongs: type.content)
      }
      return .string(text)
    case .string, .json(asWritten: false): return .string(real.sqlText)
    case .enumeration: return try value(text: real.sqlText, type: type, form: form)
    case .int64, .bytes, .date, .timeOfDay, .uuid, .json(asWritten: true):
      throw FormMisfit("a real number", whereBelongs: type.content)
    }
  }

  /// - Parameter text: As it lies in the database's memory.
  package static func value(
    text: UnsafeRawBufferPointer, type: ColumnType, form: ColumnForm
  ) throws(FormMisfit) -> Value {
    switch type {
    case .timestamp:
      guard let moment = TimeScan.moment(text) else { throw try misfit(text, type) }
      return .timestamp(moment)
    case .date:
      guard let scan = TimeScan(text), scan.timeOfDay == 0 else { throw try misfit(text, type) }
      return .string(String(decoding: text[..<10], as: UTF8.self))
    case .timeOfDay:
      guard let (scan, _) = ClockText.scan(text) else { throw try misfit(text, type) }
      return .string(
        String(decoding: ClockText.plain.text(timeOfDay: scan.timeOfDay), as: UTF8.self))
    case .bool:
      guard let value = FlagForm.value(of: text) else { throw try misfit(text, type) }
      return .bool(value)
    case .uuid:
      guard let scan = UUIDForm.Scan(text) else { throw try misfit(text, type) }
      return .string(scan.text)
    case .enumeration(let values):
      guard case .choice(let collation) = form else {
        return .string(try canonical(text, type))
      }
      guard let value = collation.declared(text, of: values) else { throw try misfit(text, type) }
      return .string(value)
    case .decimal, .json: return .string(try canonical(text, type))
    case .string: return .string(try string(text))
    case .bytes: return .bytes(Array(text))
    case .int64, .double: throw FormMisfit("text", whereBelongs: type.content)
    }
  }

  /// Reads a blob: what it is depends on no form.
  package static func value(
    blob: UnsafeRawBufferPointer, type: ColumnType
  ) throws(FormMisfit) -> Value {
    switch type {
    case .bytes: return .bytes(Array(blob))
    case .uuid:
      guard let scan = UUIDForm.Scan(blob: blob) else {
        throw FormMisfit("a blob", whereBelongs: "text or 16 bytes")
      }
      return .string(scan.text)
    default: throw FormMisfit("a blob", whereBelongs: type.content)
    }
  }

  private static func value(
    text: String, type: ColumnType, form: ColumnForm
  ) throws(FormMisfit) -> Value {
    try value(.text(text), type: type, form: form)
  }

  // MARK: - Text

  private static func string(_ bytes: UnsafeRawBufferPointer) throws(FormMisfit) -> String {
    guard !bytes.contains(0) else { throw FormMisfit("the text holds a NUL character") }
    guard let text = String(utf8: bytes) else { throw FormMisfit("the text is not valid UTF-8") }
    return text
  }

  private static func canonical(
    _ bytes: UnsafeRawBufferPointer, _ type: ColumnType
  ) throws(FormMisfit) -> String {
    let text = try string(bytes)
    do {
      return try CanonicalText.of(text, for: type)
    } catch {
      throw FormMisfit("text", whereBelongs: type.content)
    }
  }

  // MARK: - Faults: what is stored is named by its type, for who is told may not see the value

  /// - Throws: Where it is no text either.
  private static func misfit(
    _ bytes: UnsafeRawBufferPointer, _ type: ColumnType
  ) throws(FormMisfit) -> FormMisfit {
    _ = try string(bytes)
    return FormMisfit("text", whereBelongs: type.content)
  }

  private static func noMoment(_ form: ColumnForm) -> FormMisfit {
    guard let numbers = form.numbers else {
      return FormMisfit("a number in no known unit", whereBelongs: "a time")
    }
    return FormMisfit(
      "a number is stored which as \(numbers.unit.phrase) is not in the years 0001 to 9999")
  }
}

extension ColumnForm {
  /// How numbers among the values are read.
  var numbers: TimeNumber? {
    switch self {
    case .number(let form): form
    case .time(let text): text.numbers.map { TimeNumber($0) }
    case .declared, .clock, .flag, .uuid, .decimal, .choice: nil
    }
  }
}

extension TimeNumber.Unit {
  var phrase: String {
    switch self {
    case .seconds, .milliseconds, .microseconds: "\(rawValue) since 1970"
    case .julian: "Julian days"
    case .cocoa: "seconds since 2001"
    }
  }
}

extension ColumnType {
  /// What belongs in such a column, for messages.
  var content: String {
    switch self {
    case .bool: "0 or 1, t or f, true or false"
    case .int64: "an integer"
    case .double: "a number"
    case .string: "text"
    case .bytes: "a blob"
    case .timestamp: "a time"
    case .date: "a date of the form YYYY-MM-DD"
    case .timeOfDay: "a time of the form HH:MM:SS"
    case .decimal: "a decimal of at most 34 digits"
    case .uuid: "a UUID"
    case .json: "JSON"
    case .enumeration(let values): "one of " + values.map { "'\($0)'" }.joined(separator: ", ")
    }
  }
}
