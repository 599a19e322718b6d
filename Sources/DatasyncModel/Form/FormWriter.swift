/// Writes values in the form of their column.
package enum FormWriter {
  /// What is finer than the form is rounded down.
  ///
  /// - Parameter isNumeric: Whether the column has numeric affinity: SQLite then turns text that
  ///   looks like a number into one.
  /// - Throws: ``FormMisfit`` where it can stand in the column in no way that reads the same.
  package static func stored(
    _ value: Value, type: ColumnType, form: ColumnForm, isNumeric: Bool = false
  ) throws(FormMisfit) -> StoredValue {
    switch (value, type) {
    case (.null, _): return .null
    case (.bool(let value), .bool):
      guard case .flag(let form) = form else { break }
      return form.stored(value)
    case (.timestamp(let moment), .timestamp): return try stored(moment, form)
    case (.string(let text), .date):
      guard case .time(let form) = form, let date = CivilTime(date: text) else { break }
      return .text(form.text(date: date))
    case (.string(let text), .timeOfDay):
      guard case .clock(let form) = form, let time = CivilTime.timeOfDay(parsing: text) else {
        break
      }
      return .text(form.text(timeOfDay: time))
    case (.string(let text), .uuid):
      guard case .uuid(let form) = form, let stored = form.stored(text, isNumeric: isNumeric) else {
        break
      }
      return stored
    case (.string(let text), .decimal):
      guard case .decimal(let form) = form else { break }
      return try stored(decimal: text, form)
    case (.string(let text), .enumeration(let values)):
      guard values.contains(text) else { break }
      return .text(text)
    case (.string(let text), .string), (.string(let text), .json): return .text(text)
    case (.int64(let number), .int64): return .integer(number)
    case (.double(let number), .double): return .real(number)
    case (.bytes(let bytes), .bytes): return .blob(bytes)
    default: break
    }
    throw FormMisfit("the value is given where \(type.content) belongs")
  }

  private static func stored(_ moment: Int64, _ form: ColumnForm) throws(FormMisfit) -> StoredValue
  {
    guard CivilTime.timestampRange.contains(moment) else {
      throw FormMisfit("the time is not in the years 0001 to 9999")
    }
    switch form {
    case .time(let form): return .text(form.text(moment: moment))
    case .number(let form):
      guard let stored = form.stored(moment) else {
        throw FormMisfit(
          "\(CivilTime(timestamp: moment).timestampText) as \(form.unit.phrase) would be taken for "
            + "another time, in another unit, unless the column's form is chosen: "
            + "--form \(form.unit.rawValue)")
      }
      return stored
    case .declared, .clock, .flag, .uuid, .decimal, .choice:
      throw FormMisfit("the column's form is not one of times")
    }
  }

  private static func stored(
    decimal text: String, _ form: ColumnForm.DecimalForm
  ) throws(FormMisfit) -> StoredValue {
    guard form == .real else { return .text(text) }
    guard let stored = NumericDecimal.stored(text)?.stored else {
      throw FormMisfit(
        NumericDecimal.inexact(text))
    }
    return switch stored {
    case .integer(let number): .integer(number)
    case .real(let number): .real(number)
    }
  }
}
