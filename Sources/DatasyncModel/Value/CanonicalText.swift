/// Checks and canonicalizes the text of values that travel as strings.
package enum CanonicalText {
  /// The fault of a text, as a person would say it.
  package struct Fault: Error {
    /// May quote the text, shortened: for who sent it.
    package let description: String

    package init(_ description: String) {
      self.description = description
    }
  }

  /// The canonical form of a text for a column of that type.
  ///
  /// - Throws: ``Fault`` where the column cannot hold it.
  package static func of(_ text: String, for type: ColumnType) throws(Fault) -> String {
    switch type {
    case .date: try date(text)
    case .timeOfDay: try timeOfDay(text)
    case .decimal: try decimal(text)
    case .uuid: try uuid(text)
    case .json: try json(text)
    case .enumeration(let values): try enumeration(text, values)
    case .bool, .int64, .double, .string, .bytes, .timestamp: text
    }
  }

  private static func date(_ text: String) throws(Fault) -> String {
    guard let date = CivilTime(date: text) else {
      throw Fault("\"\(text.shortened)\" is not a date of the form YYYY-MM-DD")
    }
    return date.dateText
  }

  private static func timeOfDay(_ text: String) throws(Fault) -> String {
    guard let micros = CivilTime.timeOfDay(parsing: text, requiresSeconds: true) else {
      throw Fault("\"\(text.shortened)\" is not a time of the form HH:MM:SS with up to 6 decimals")
    }
    return CivilTime(timestamp: micros).timeText
  }

  /// `-?(0|[1-9][0-9]*)(\.[0-9]+)?`, at most 34 significant digits, no minus before zero.
  private static func decimal(_ text: String) throws(Fault) -> String {
    let bytes = Array(text.utf8)
    let unsigned = bytes.first == 0x2D ? bytes.dropFirst() : bytes[...]
    let parts = unsigned.split(separator: 0x2E, maxSplits: 1, omittingEmptySubsequences: false)
    let isDigits = parts.allSatisfy { part in
      !part.isEmpty && part.allSatisfy { (0x30...0x39).contains($0) }
    }
    guard isDigits, let whole = parts.first, whole.count == 1 || whole.first != 0x30 else {
      throw Fault("\"\(text.shortened)\" is not a decimal number, such as -12.50")
    }
    let significant = unsigned.filter { $0 != 0x2E }.drop { $0 == 0x30 }
    guard significant.count <= 34 else {
      throw Fault("a decimal has at most 34 significant digits, this one \(significant.count)")
    }
    guard bytes.first != 0x2D || !significant.isEmpty else {
      throw Fault("zero has no sign: write 0 instead of \(text.shortened)")
    }
    return text
  }

  private static func uuid(_ text: String) throws(Fault) -> String {
    let bytes = Array(text.utf8)
    let isValid =
      bytes.count == 36
      && bytes.enumerated().allSatisfy { index, byte in
        switch index {
        case 8, 13, 18, 23: byte == 0x2D
        default:
          (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
            || (0x41...0x46).contains(byte)
        }
      }
    guard isValid else {
      throw Fault(
        "\"\(text.shortened)\" is not a UUID of the form 123e4567-e89b-12d3-a456-426614174000")
    }
    return text.lowercased()
  }

  private static func json(_ text: String) throws(Fault) -> String {
    if let position = JSONChecker.firstFault(in: text) {
      throw Fault("not valid JSON, at byte \(position + 1)")
    }
    return text
  }

  private static func enumeration(_ text: String, _ values: [String]) throws(Fault) -> String {
    guard values.contains(text) else {
      let allowed = values.map { "'\($0)'" }.joined(separator: ", ")
      throw Fault("\"\(text.shortened)\" is not one of \(allowed)")
    }
    return text
  }
}

extension String {
  /// At most 64 characters, for messages.
  package var shortened: String {
    count <= 64 ? self : "\(prefix(61))..."
  }
}
