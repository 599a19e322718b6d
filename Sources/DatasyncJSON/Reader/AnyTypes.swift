/// Where the types of Any stand whose `@type` does not come first. A value.
///
/// The outermost of them is looked through once, and all that are nested in it are found by that: an Any
/// in an Any in an Any costs no more than its bytes.
struct AnyTypes {
  /// By the offset of the object, that of its type's value.
  private var found: [(object: UInt32, value: UInt32)] = []
  /// What was looked through.
  private var scanned = 0..<0

  /// Where the value of `@type` stands; nil: the object has none.
  ///
  /// - Parameter object: The offset of the opening brace.
  mutating func value(
    of object: Int, in text: UnsafeRawBufferPointer
  ) throws(JSONFault) -> Int? {
    if !scanned.contains(object) { try scan(text, from: object) }
    var low = 0
    var high = found.count
    while low < high {
      let middle = (low + high) / 2
      if Int(found[middle].object) < object { low = middle + 1 } else { high = middle }
    }
    guard low < found.count, Int(found[low].object) == object else { return nil }
    return Int(found[low].value)
  }

  /// Goes from there to the closing brace. What is no JSON there is left to those who read it.
  private mutating func scan(
    _ text: UnsafeRawBufferPointer, from start: Int
  ) throws(JSONFault) {
    var cursor = JSONCursor(text)
    cursor.position = start + 1
    // Where each open container begins; arrays have no names.
    var open: [(offset: Int, isObject: Bool, isNameDue: Bool)] = [(start, true, true)]
    found = []
    while let last = open.last {
      cursor.skipSpace()
      guard !cursor.isAtEnd else { throw cursor.fault("'}'") }
      switch cursor.current {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        guard open.count < JSONWriter.maxDepth else {
          throw JSONFault(.content, "is nested more than \(JSONWriter.maxDepth) deep")
        }
        let isObject = cursor.current == UInt8(ascii: "{")
        open.append((cursor.position, isObject, isObject))
        cursor.position += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        open.removeLast()
        cursor.position += 1
      case UInt8(ascii: ","):
        open[open.count - 1].isNameDue = last.isObject
        cursor.position += 1
      case UInt8(ascii: "\""):
        let text = try cursor.string()
        guard last.isNameDue else { continue }
        open[open.count - 1].isNameDue = false
        cursor.skipSpace()
        guard cursor.take(UInt8(ascii: ":")) else { continue }
        cursor.skipSpace()
        if cursor.withBytes(of: text, { TextScan.isEqual($0, "@type") }) {
          found.append((UInt32(last.offset), UInt32(cursor.position)))
        }
      default: cursor.position += 1
      }
    }
    scanned = start..<cursor.position
    found.sort { ($0.object, $0.value) < ($1.object, $1.value) }
  }
}
