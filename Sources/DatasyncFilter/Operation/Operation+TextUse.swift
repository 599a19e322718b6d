extension Operation {
  /// What a text function does with the texts that it is given.
  package enum TextUse: Sendable {
    /// It makes none.
    case reads
    /// It makes one of one.
    case makes
    /// It makes one of all.
    case joins
  }

  /// nil: it is no text function, and costs little whatever it is given.
  package var textUse: TextUse? {
    switch name {
    case "contains", "startswith", "endswith", "indexof", "length": .reads
    case "substring_from", "substring", "tolower", "toupper", "trim": .makes
    case "concat": .joins
    default: nil
    }
  }

  /// As filters call it.
  var word: String { name == "substring_from" ? "substring" : name }
}

extension Operand {
  /// In UTF-8; 0 for all but texts.
  package var textBytes: Int {
    if case .string(let text) = self { return text.utf8.count }
    return 0
  }
}
