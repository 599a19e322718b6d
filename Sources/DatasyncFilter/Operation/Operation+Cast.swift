import DatasyncModel

extension Operation {
  // To text.

  /// The same text, but no column any more: without a column's affinity.
  package static let text_ = Operation("text") { (text: String) -> String? in text }
  static let textOfBool = Operation("text_of_bool") { (value: Bool) -> String? in
    value ? "true" : "false"
  }
  static let textOfInt = Operation("text_of_int") { (value: Int64) -> String? in String(value) }
  /// The shortest that means the same double, as plain digits where it is of common size.
  static let textOfDouble = Operation("text_of_double") { (value: Double) -> String? in
    guard abs(value) >= 1e-5, abs(value) < 1e21 else {
      return value == 0 ? "0" : value.description
    }
    return Decimal(shortest: value)?.text
  }
  static let textOfDecimal = Operation("text_of_decimal") { (value: Decimal) -> String? in
    value.text
  }
  static let textOfTimestamp = Operation("text_of_timestamp") { (value: Moment) -> String? in
    value.civil.timestampText
  }

  // From text; what is none is null.

  static let boolOfText = Operation("bool_of_text") { (text: String) -> Bool? in
    text == "true" ? true : text == "false" ? false : nil
  }
  static let intOfText = Operation("int_of_text") { (text: String) -> Int64? in
    text.utf8.first == 0x2B ? nil : Int64(text)
  }
  static let doubleOfText = Operation("double_of_text") { (text: String) -> Double? in
    isPlainNumber(text) ? Double(text) : nil
  }
  static let decimalOfText = Operation("decimal_of_text") { (text: String) in Decimal(text) }
  static let timestampOfText = Operation("timestamp_of_text") { (text: String) in
    CivilTime.timestamp(parsing: text).map { Moment($0) }
  }
  /// `YYYY-MM-DD` and nothing else.
  package static let dateOfText = Operation("date_of_text") { (text: String) in
    CivilTime(date: text)?.dateText
  }
  /// `HH:MM` is completed with seconds; at most six decimals, zeros at the end dropped.
  package static let timeOfText = Operation("time_of_text") { (text: String) in
    CivilTime.timeOfDay(parsing: text).map { CivilTime(timestamp: $0).timeText }
  }
  /// With hyphens, letters in any case; they become small.
  package static let uuidOfText = Operation("uuid_of_text") { (text: String) in
    try? CanonicalText.of(text, for: .uuid)
  }

  // Between numbers.

  /// Truncated toward zero; what does not fit is null.
  static let intOfDouble = Operation("int_of_double") { (value: Double) -> Int64? in
    Int64(exactly: value.rounded(.towardZero))
  }
  static let intOfDecimal = Operation("int_of_decimal") { (value: Decimal) -> Int64? in
    value.rounded(.towardZero).int64
  }
  static let double = Operation("double") { (value: Double) -> Double? in value }
  /// Rounded to single precision; what does not fit is null.
  static let single = Operation("single") { (value: Double) -> Double? in Double(Float(value)) }
  static let decimal = Operation("decimal") { (value: Decimal) -> Decimal? in value }
  static let decimalOfDouble = Operation("decimal_of_double") { (value: Double) in
    Decimal(shortest: value)
  }
  /// The value if it lies between the others, which are included; otherwise null.
  static let within = Operation("within") { (value: Int64, low: Int64, high: Int64) -> Int64? in
    low <= value && value <= high ? value : nil
  }

  static let casts: [Operation] = [
    text_, textOfBool, textOfInt, textOfDouble, textOfDecimal, textOfTimestamp, boolOfText,
    intOfText, doubleOfText, decimalOfText, timestampOfText, dateOfText, timeOfText, uuidOfText,
    intOfDouble, intOfDecimal, double, single, decimal, decimalOfDouble, within,
  ]

  /// `-?digits(.digits)?(e[+-]?digits)?`: Double(_:) alone reads "nan", hexadecimal and more.
  private static func isPlainNumber(_ text: String) -> Bool {
    var rest = text.utf8[...]
    func skipDigits() -> Bool {
      let count = rest.prefix { (0x30...0x39).contains($0) }.count
      rest = rest.dropFirst(count)
      return count > 0
    }
    if rest.first == 0x2D { rest = rest.dropFirst() }
    guard skipDigits() else { return false }
    if rest.first == 0x2E {
      rest = rest.dropFirst()
      guard skipDigits() else { return false }
    }
    if rest.first == 0x65 || rest.first == 0x45 {
      rest = rest.dropFirst()
      if rest.first == 0x2B || rest.first == 0x2D { rest = rest.dropFirst() }
      guard skipDigits() else { return false }
    }
    return rest.isEmpty
  }
}
