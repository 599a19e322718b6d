/// Tells whether a text is JSON, without building anything and without recursion.
///
/// Source: RFC 8259. Nesting is limited to 1,000, as SQLite limits it.
package enum JSONChecker {
  /// Arrays and objects that may be open at once.
  package static let maxDepth = 1000

  /// The offset in bytes of the first fault; nil where the text is one JSON value.
  package static func firstFault(in text: String) -> Int? {
    var text = text
    return text.withUTF8 { bytes in
      var scan = Scan(bytes: bytes)
      return scan.value() && scan.isAtEnd ? nil : scan.position
    }
  }

  private struct Scan {
    let bytes: UnsafeBufferPointer<UInt8>
    var position = 0
    /// For each open array or object, whether it is an object.
    private var open: [Bool] = []

    init(bytes: UnsafeBufferPointer<UInt8>) {
      self.bytes = bytes
    }

    var isAtEnd: Bool { position == bytes.count }
    private var current: UInt8 { position < bytes.count ? bytes[position] : 0 }

    private mutating func skipSpace() {
      while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) {
        position += 1
      }
    }

    private mutating func skip(_ byte: UInt8) -> Bool {
      guard current == byte, position < bytes.count else { return false }
      position += 1
      return true
    }

    /// One value with the space around it; containers are kept in `open`.
    mutating func value() -> Bool {
      repeat {
        skipSpace()
        if skip(0x5B) {  // [
          open.append(false)
          guard open.count <= maxDepth else { return false }
          skipSpace()
          if !skip(0x5D) { continue }
          open.removeLast()
        } else if skip(0x7B) {  // {
          open.append(true)
          guard open.count <= maxDepth else { return false }
          skipSpace()
          if !skip(0x7D) {
            guard name() else { return false }
            continue
          }
          open.removeLast()
        } else {
          guard scalar() else { return false }
        }
        guard let goesOn = afterValue() else { return false }
        if !goesOn { return true }
      } while true
    }

    /// Closes what ends here. Returns whether another value must follow; nil on a fault.
    private mutating func afterValue() -> Bool? {
      skipSpace()
      while let isObject = open.last {
        if skip(0x2C) {
          skipSpace()
          return isObject ? (name() ? true : nil) : true
        }
        guard skip(isObject ? 0x7D : 0x5D) else { return nil }
        open.removeLast()
        skipSpace()
      }
      return false
    }

    private mutating func name() -> Bool {
      guard string() else { return false }
      skipSpace()
      return skip(0x3A)
    }

    private mutating func scalar() -> Bool {
      switch current {
      case 0x22: string()
      case 0x74: word("true")
      case 0x66: word("false")
      case 0x6E: word("null")
      default: number()
      }
    }

    private mutating func word(_ word: StaticString) -> Bool {
      for index in 0..<word.utf8CodeUnitCount where !skip(word.utf8Start[index]) { return false }
      return true
    }

    private mutating func digits() -> Bool {
      let start = position
      while (0x30...0x39).contains(current) { position += 1 }
      return position > start
    }

    private mutating func number() -> Bool {
      _ = skip(0x2D)
      if !skip(0x30) { guard digits() else { return false } }
      if skip(0x2E) { guard digits() else { return false } }
      if skip(0x65) || skip(0x45) {
        if !skip(0x2B) { _ = skip(0x2D) }
        guard digits() else { return false }
      }
      return true
    }

    private mutating func string() -> Bool {
      guard skip(0x22) else { return false }
      while position < bytes.count {
        switch bytes[position] {
        case 0x22:
          position += 1
          return true
        case 0x5C:
          position += 1
          guard escape() else { return false }
        case 0..<0x20:
          return false
        default:
          position += 1
        }
      }
      return false
    }

    private mutating func escape() -> Bool {
      switch current {
      case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74:
        position += 1
        return true
      case 0x75:
        position += 1
        for _ in 0..<4 {
          switch current {
          case 0x30...0x39, 0x41...0x46, 0x61...0x66: position += 1
          default: return false
          }
        }
        return true
      default:
        return false
      }
    }
  }
}
