/// The key-values of a call, in order, keys in lower case, duplicates kept. A value.
///
/// Values of keys that end in `-bin` are bytes; base64 is the wire's affair.
package struct Metadata: Hashable, Sendable {
  /// One key with one value. A value.
  package struct Entry: Hashable, Sendable {
    /// In lower case; reserved ones, as all that begin with `grpc-`, are never sent.
    package let key: String
    /// UTF-8 of a text; with a key in `-bin` the bytes themselves, not their base64.
    package let value: [UInt8]

    /// Nothing is checked: what may not be sent is left out, silently, when the rest is.
    package init(key: String, value: [UInt8]) {
      self.key = key
      self.value = value
    }
  }

  /// As they came, or are to go.
  package var entries: [Entry] = []

  package init() {}

  /// Appends, also where the key is there. Text other than printable ASCII is not sent.
  package mutating func add(_ key: String, _ value: String) {
    entries.append(Entry(key: key, value: Array(value.utf8)))
  }

  /// Appends, also where the key is there; for keys in `-bin`, which may hold anything.
  package mutating func add(_ key: String, bytes: [UInt8]) {
    entries.append(Entry(key: key, value: bytes))
  }

  /// The first value of that key, as text.
  package subscript(_ key: String) -> String? {
    entries.first { $0.key == key }.map { String(decoding: $0.value, as: UTF8.self) }
  }
}
