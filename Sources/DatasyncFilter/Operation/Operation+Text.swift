extension Operation {
  static let contains = Operation("contains") { (text: String, part: String) -> Bool? in
    TextOrder.withBytes(text, part) { TextOrder.firstOffset(of: $1, in: $0) != nil }
  }

  static let startsWith = Operation("startswith") { (text: String, part: String) -> Bool? in
    TextOrder.withBytes(text, part) { text, part in
      text.count >= part.count
        && TextOrder.areEqual(UnsafeRawBufferPointer(rebasing: text.prefix(part.count)), part)
    }
  }

  static let endsWith = Operation("endswith") { (text: String, part: String) -> Bool? in
    TextOrder.withBytes(text, part) { text, part in
      text.count >= part.count
        && TextOrder.areEqual(UnsafeRawBufferPointer(rebasing: text.suffix(part.count)), part)
    }
  }

  /// In Unicode scalars from 0; -1 where the part is not in the text.
  static let indexOf = Operation("indexof") { (text: String, part: String) -> Int64? in
    TextOrder.withBytes(text, part) { text, part in
      guard let offset = TextOrder.firstOffset(of: part, in: text) else { return -1 }
      return scalarCount(text.prefix(offset))
    }
  }

  /// In Unicode scalars.
  static let length = Operation("length") { (text: String) -> Int64? in
    TextOrder.withBytes(text, "") { text, _ in scalarCount(text[...]) }
  }

  static let substringFrom = Operation("substring_from") { (text: String, start: Int64) in
    substring(text, from: start, count: .max)
  }

  static let substring = Operation("substring") { (text: String, start: Int64, count: Int64) in
    substring(text, from: start, count: count)
  }

  static let toLower = Operation("tolower") { (text: String) -> String? in text.lowercased() }

  static let toUpper = Operation("toupper") { (text: String) -> String? in text.uppercased() }

  /// Without the white space (by Unicode) at both ends.
  static let trim = Operation("trim") { (text: String) -> String? in
    let scalars = text.unicodeScalars
    guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
      let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
    else { return "" }
    return String(scalars[first...last])
  }

  static let concat = Operation("concat") { (left: String, right: String) -> String? in
    left + right
  }

  static let text: [Operation] = [
    contains, startsWith, endsWith, indexOf, length, substringFrom, substring, toLower, toUpper,
    trim, concat,
  ]

  /// Positions are in Unicode scalars; before the start is the start, past the end is empty.
  private static func substring(_ text: String, from start: Int64, count: Int64) -> String? {
    guard count > 0 else { return "" }
    let scalars = text.unicodeScalars
    let offset = Int(clamping: max(0, start))
    guard
      let first = scalars.index(scalars.startIndex, offsetBy: offset, limitedBy: scalars.endIndex)
    else { return "" }
    let end =
      scalars.index(first, offsetBy: Int(clamping: count), limitedBy: scalars.endIndex)
      ?? scalars.endIndex
    return String(scalars[first..<end])
  }

  /// Counts the bytes that do not continue a scalar.
  private static func scalarCount(_ bytes: Slice<UnsafeRawBufferPointer>) -> Int64 {
    var count: Int64 = 0
    for byte in bytes where byte & 0xC0 != 0x80 { count += 1 }
    return count
  }
}
