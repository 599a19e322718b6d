/// A list of header fields, in order, in one piece of memory that is used again and again. A value.
///
/// Names and values are bytes: what HTTP/2 carries need not be text. Static strings are kept as
/// pointers, which HPACK then need not copy.
package struct HeaderBlock: Sendable {
  struct Field: Sendable {
    /// An offset into ``storage``, or an address where the field says that it is static.
    var name: UInt
    var nameCount: Int
    var value: UInt
    var valueCount: Int
    var isNameStatic: Bool
    var isValueStatic: Bool
    var isSecret: Bool
  }

  private(set) var storage: [UInt8] = []
  private(set) var fields: [Field] = []

  package init() {}

  package var count: Int { fields.count }
  package var isEmpty: Bool { fields.isEmpty }
  /// Of names and values that are not static.
  package var byteCount: Int { storage.count }

  /// Keeps the memory for the next list.
  package mutating func removeAll() {
    guard !fields.isEmpty else { return }
    storage.removeAll(keepingCapacity: true)
    fields.removeAll(keepingCapacity: true)
  }

  /// Adds the first fields of another list.
  mutating func add(first count: Int, of other: HeaderBlock) {
    var left = count
    other.storage.withUnsafeBytes { storage in
      for field in other.fields where left > 0 {
        left -= 1
        add(
          Self.bytes(field.name, field.nameCount, field.isNameStatic, storage),
          Self.bytes(field.value, field.valueCount, field.isValueStatic, storage),
          isSecret: field.isSecret)
      }
    }
  }

  /// Gives back what an unusually long list took.
  mutating func trim(toBytes bytes: Int) {
    if storage.capacity > bytes { storage = [] }
    if fields.capacity > 128 { fields = [] }
  }

  // MARK: - Building

  /// Copies neither. Here as below nothing is checked: names are in lower case, pseudo-header fields first.
  package mutating func add(_ name: StaticString, _ value: StaticString) {
    fields.append(
      Field(
        name: UInt(bitPattern: name.utf8Start), nameCount: name.utf8CodeUnitCount,
        value: UInt(bitPattern: value.utf8Start), valueCount: value.utf8CodeUnitCount,
        isNameStatic: true, isValueStatic: true, isSecret: false))
  }

  /// Copies the value, as UTF-8.
  package mutating func add(_ name: StaticString, _ value: String) {
    var value = value
    value.withUTF8 { add(name, bytes: UnsafeRawBufferPointer($0)) }
  }

  /// Copies the value, which need not be text.
  package mutating func add(_ name: StaticString, bytes: UnsafeRawBufferPointer) {
    let start = append(bytes)
    fields.append(
      Field(
        name: UInt(bitPattern: name.utf8Start), nameCount: name.utf8CodeUnitCount,
        value: start, valueCount: bytes.count,
        isNameStatic: true, isValueStatic: false, isSecret: false))
  }

  /// Copies both; for names that are known only at run time.
  package mutating func add(_ name: String, _ value: String) {
    var name = name
    var value = value
    name.withUTF8 { name in
      value.withUTF8 { add(UnsafeRawBufferPointer(name), UnsafeRawBufferPointer($0)) }
    }
  }

  /// - Parameter isSecret: Never to be put into a compression table, here or further on.
  package mutating func add(
    _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, isSecret: Bool = false
  ) {
    let nameStart = append(name)
    let valueStart = append(value)
    fields.append(
      Field(
        name: nameStart, nameCount: name.count, value: valueStart, valueCount: value.count,
        isNameStatic: false, isValueStatic: false, isSecret: isSecret))
  }

  private mutating func append(_ bytes: UnsafeRawBufferPointer) -> UInt {
    let start = storage.count
    storage.append(contentsOf: bytes)
    return UInt(start)
  }

  // MARK: - Reading

  /// Lends name and value of each field in order, until the closure says false.
  @inline(__always)
  package func forEach(
    _ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool
  ) {
    storage.withUnsafeBytes { storage in
      for field in fields {
        let name = Self.bytes(field.name, field.nameCount, field.isNameStatic, storage)
        let value = Self.bytes(field.value, field.valueCount, field.isValueStatic, storage)
        guard body(name, value) else { return }
      }
    }
  }

  func forEachReceived(
    _ body: (Int, _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, Bool) -> Void
  ) {
    storage.withUnsafeBytes { storage in
      for (index, field) in fields.enumerated() {
        body(
          index, Self.bytes(field.name, field.nameCount, field.isNameStatic, storage),
          Self.bytes(field.value, field.valueCount, field.isValueStatic, storage), field.isSecret)
      }
    }
  }

  static func bytes(
    _ start: UInt, _ count: Int, _ isStatic: Bool, _ storage: UnsafeRawBufferPointer
  ) -> UnsafeRawBufferPointer {
    if isStatic {
      return UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: start), count: count)
    }
    return UnsafeRawBufferPointer(rebasing: storage[Int(start)..<Int(start) + count])
  }

  /// The first value of that name, as text; for tests and rare paths.
  package subscript(_ name: String) -> String? {
    pairs.first { $0.name == name }?.value
  }

  /// All fields as text; for tests and rare paths.
  package var pairs: [(name: String, value: String)] {
    var pairs: [(name: String, value: String)] = []
    forEach { name, value in
      pairs.append((String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)))
      return true
    }
    return pairs
  }
}
