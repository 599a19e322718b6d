// The form of one value, and whether a value is in a form.
extension FormReader {
  /// The form that a column would have if this were its value: of an empty column's default, or of
  /// the first value that another program writes.
  ///
  /// - Parameter unit: The form so far, for numbers whose size does not tell their unit.
  /// - Returns: nil for NULL and for what is unreadable or in no unit.
  package static func form(
    of stored: StoredValue, type: ColumnType, unit: ColumnForm
  ) -> ColumnForm? {
    if type == .timestamp, stored.isNumber {
      guard let number = numberForm(of: stored, unit: unit.numbers?.unit) else { return nil }
      return .number(number)
    }
    guard let sample = FormSample(stored, type: type, form: unit) else { return nil }
    return sample.form.with(sample.decimals.map { .fixed(min($0, 9)) })
  }

  private static func numberForm(
    of stored: StoredValue, unit: TimeNumber.Unit?
  ) -> TimeNumber? {
    let form: TimeNumber? =
      switch stored {
      case .integer(let number):
        (TimeNumber.Unit.bySize(of: Double(number)) ?? unit).map {
          TimeNumber($0, isReal: $0 == .julian)
        }
      case .real(let number):
        (TimeNumber.Unit.bySize(of: number) ?? unit).map { TimeNumber($0, isReal: true) }
      case .null, .text, .blob: nil
      }
    guard let form, (try? value(stored, type: .timestamp, form: .number(form))) != nil else {
      return nil
    }
    return form
  }

  /// Whether the value stands there as we would write it: then the order of such values, and their
  /// being equal, can be told by SQLite (see ``ColumnForm/sortsAsStored``). NULL always does.
  package static func isStored(
    _ stored: StoredValue, as form: ColumnForm, type: ColumnType
  ) -> Bool {
    switch (stored, form) {
    case (.null, _): return true
    case (.integer(let number), .number(let form)): return form.isWritten(as: number)
    case (.text(let bytes), .time):
      return bytes.withUnsafeBytes { isStored(text: $0, as: form, type: type) }
    default: break
    }
    guard let value = try? value(stored, type: type, form: form) else { return false }
    guard let written = try? FormWriter.stored(value, type: type, form: form) else { return false }
    return written.equals(stored)
  }

  /// The same of a time's text where it lies, without allocation.
  package static func isStored(
    text: UnsafeRawBufferPointer, as form: ColumnForm, type: ColumnType
  ) -> Bool {
    guard case .time(let style) = form else {
      return isStored(.text(Array(text)), as: form, type: type)
    }
    guard let scan = TimeScan(text), scan.isWritten(with: style.precision) else { return false }
    if style.precision != .date {
      guard scan.separator == style.separator, scan.offset == style.offset else { return false }
    }
    return type == .date ? scan.timeOfDay == 0 : scan.moment != nil
  }
}

extension StoredValue {
  var isNumber: Bool {
    switch self {
    case .integer, .real: true
    case .null, .text, .blob: false
    }
  }
}

extension ColumnForm {
  /// The same with another number of decimals, where it has any.
  func with(_ decimals: TimeText.Decimals?) -> ColumnForm {
    guard let decimals else { return self }
    switch self {
    case .time(var text):
      text.precision = .seconds(decimals)
      return .time(text)
    case .clock(var text):
      text.precision = .seconds(decimals)
      return .clock(text)
    case .declared, .number, .flag, .uuid, .decimal, .choice: return self
    }
  }
}
