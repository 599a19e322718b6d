/// The key-values of a call, in order, keys in lower case, duplicates kept. A value.
///
/// Values of keys that end in `-bin` are bytes; base64 is the wire's affair.
package struct Metadata: Hashable, Sendable {
  package struct Entry: Hashable, Sendable {
    package let key: String
    package let value: [UInt8]

    package init(key: String, value: [UInt8]) {
      self.key = key
      self.value = value
    }
  }

  package var entries: [Entry] = []

  package init() {}

  package mutating func add(_ key: String, _ value: String) {
    entries.append(Entry(key: key, value: Array(value.utf8)))
  }

  package mutating func add(_ key: String, bytes: [UInt8]) {
    entries.append(Entry(key: key, value: bytes))
  }

  /// The first value of that key, as text.
  package subscript(_ key: String) -> String? {
    entries.first { $0.key == key }.map { String(decoding: $0.value, as: UTF8.self) }
  }
}
