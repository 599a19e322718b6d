/// Small numbers by the bytes of a name: one block of memory, built once. A value.
///
/// Names come from descriptors; what is looked up may come from anybody, and costs its own length and
/// as many comparisons as names share a slot.
struct NameTable: Sendable {
  private struct Entry {
    let offset: UInt32
    let length: UInt32
    let value: UInt32
  }

  private var bytes: [UInt8] = []
  private var entries: [Entry] = []
  /// Positions in `entries`, plus one; 0 is free. A power of two, at least twice as many as entries.
  private var slots = [UInt32](repeating: 0, count: 8)

  /// Of two values for one name, the first stays.
  mutating func insert(_ name: String, _ value: Int) {
    var name = name
    name.withUTF8 { insert(UnsafeRawBufferPointer($0), value) }
  }

  private mutating func insert(_ name: UnsafeRawBufferPointer, _ value: Int) {
    guard self[name] == nil else { return }
    let entry = Entry(
      offset: UInt32(bytes.count), length: UInt32(name.count), value: UInt32(value))
    bytes.append(contentsOf: name)
    entries.append(entry)
    if entries.count * 2 > slots.count { grow() } else { place(entries.count, hash(name)) }
  }

  private mutating func grow() {
    slots = [UInt32](repeating: 0, count: slots.count * 2)
    for (index, entry) in entries.enumerated() {
      let range = Int(entry.offset)..<Int(entry.offset + entry.length)
      let hash = bytes.withUnsafeBytes { self.hash(UnsafeRawBufferPointer(rebasing: $0[range])) }
      place(index + 1, hash)
    }
  }

  private mutating func place(_ entry: Int, _ hash: Int) {
    var slot = hash & (slots.count - 1)
    while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = UInt32(entry)
  }

  /// Nil: no such name.
  subscript(name: UnsafeRawBufferPointer) -> Int? {
    var slot = hash(name) & (slots.count - 1)
    while slots[slot] != 0 {
      let entry = entries[Int(slots[slot]) - 1]
      if entry.length == name.count, isEqual(entry, name) { return Int(entry.value) }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  private func isEqual(_ entry: Entry, _ name: UnsafeRawBufferPointer) -> Bool {
    bytes.withUnsafeBytes { bytes in
      for index in 0..<name.count where bytes[Int(entry.offset) + index] != name[index] {
        return false
      }
      return true
    }
  }

  /// FNV-1a.
  private func hash(_ name: UnsafeRawBufferPointer) -> Int {
    var hash: UInt32 = 2_166_136_261
    for byte in name { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
    return Int(hash ^ (hash >> 15))
  }
}
