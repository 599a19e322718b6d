/// How truth values stand in a column. A value.
package enum FlagForm: String, CaseIterable, Hashable, Sendable {
  case integer = "0/1"
  case digit = "'0'/'1'"
  case smallLetter = "t/f"
  case capitalLetter = "T/F"
  case smallWord = "true/false"
  case title = "True/False"
  case capitalWord = "TRUE/FALSE"

  /// The texts of false and true; nil: integers.
  private var texts: (no: StaticString, yes: StaticString)? {
    switch self {
    case .integer: nil
    case .digit: ("0", "1")
    case .smallLetter: ("f", "t")
    case .capitalLetter: ("F", "T")
    case .smallWord: ("false", "true")
    case .title: ("False", "True")
    case .capitalWord: ("FALSE", "TRUE")
    }
  }

  /// What is written for a truth value: an integer or a text, never NULL.
  package func stored(_ value: Bool) -> StoredValue {
    guard let texts else { return .integer(value ? 1 : 0) }
    return .text((value ? texts.yes : texts.no).description)
  }

  /// What a text says, whatever the case of its letters.
  static func value(of text: UnsafeRawBufferPointer) -> Bool? {
    switch text.count {
    case 1:
      switch text[0] {
      case 0x31, 0x54, 0x74: true
      case 0x30, 0x46, 0x66: false
      default: nil
      }
    case 4: text.isEqualIgnoringCase("true") ? true : nil
    case 5: text.isEqualIgnoringCase("false") ? false : nil
    default: nil
    }
  }

  /// The form in which a text stands, or the one most like it.
  static func form(of text: UnsafeRawBufferPointer) -> (form: FlagForm, isRegular: Bool)? {
    guard let value = value(of: text) else { return nil }
    for form in allCases {
      guard let texts = form.texts else { continue }
      let own = value ? texts.yes : texts.no
      if text.elementsEqual(
        UnsafeRawBufferPointer(start: own.utf8Start, count: own.utf8CodeUnitCount))
      {
        return (form, true)
      }
    }
    return (.smallWord, false)
  }
}

extension UnsafeRawBufferPointer {
  /// - Parameter word: In small letters of ASCII.
  func isEqualIgnoringCase(_ word: StaticString) -> Bool {
    guard count == word.utf8CodeUnitCount else { return false }
    for index in 0..<count where self[index].asciiLowercased != word.utf8Start[index] {
      return false
    }
    return true
  }
}

extension UInt8 {
  /// Capital letters of ASCII as small ones.
  var asciiLowercased: UInt8 { 0x41...0x5A ~= self ? self | 0x20 : self }
}
