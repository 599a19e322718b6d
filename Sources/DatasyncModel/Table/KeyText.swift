/// The text keys of rows that we make; other programs may have made others.
package enum KeyText {
  /// What is wrong with a text key; nil where it is fit.
  package static func fault(in key: String) -> String? {
    let length = key.utf8.count
    guard (1...255).contains(length) else {
      return "a key has 1 to 255 bytes, this one \(length)"
    }
    let isControl = key.unicodeScalars.contains {
      $0.value < 0x20 || (0x7F...0x9F).contains($0.value)
    }
    return isControl ? "a key has no control characters" : nil
  }
}
