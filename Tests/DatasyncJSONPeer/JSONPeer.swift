import DatasyncJSON

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Reads and writes JSON for another program to compare with its own, or measures what that takes.
///
///     datasync-json-peer           frames from standard input, answers to standard output
///     datasync-json-peer measure   nanoseconds a message, beside what protobuf takes
///
/// A frame is a letter, and two strings of bytes behind their lengths (four bytes, little-endian): `d`, an
/// empty one and a FileDescriptorSet, comes first; then `w`, a type's name and a message to be written;
/// or `r`, a type's name and a text to be read. The answer is a letter, `o` or a fault's `f`, and what was
/// made or what is wrong.
@main
enum JSONPeer {
  static func main() {
    if CommandLine.arguments.dropFirst().first == "measure" { return Measurement.run() }
    var registry = TypeRegistry.empty
    while let kind = read(1)?.first, let name = readString(), let bytes = readString() {
      do throws(JSONFault) {
        if kind == UInt8(ascii: "d") {
          registry = TypeRegistry(fileDescriptorSet: bytes)
          answer("o", [])
          continue
        }
        guard let schema = registry.message(named: String(decoding: name, as: UTF8.self)) else {
          answer("f", Array("no such type".utf8))
          continue
        }
        if kind == UInt8(ascii: "w") {
          answer("o", try JSONWriter(registry: registry).text(of: bytes, schema))
        } else {
          let reader = JSONReader(registry: registry, maxBytes: 1 << 24)
          answer("o", try reader.message(schema, of: bytes))
        }
      } catch {
        answer("f", Array(error.message.utf8))
      }
    }
  }

  /// Nil at the end.
  private static func read(_ count: Int) -> [UInt8]? {
    var bytes: [UInt8] = []
    while bytes.count < count {
      var part = [UInt8](repeating: 0, count: count - bytes.count)
      let got = fetch(STDIN_FILENO, &part, part.count)
      guard got > 0 else { return nil }
      bytes += part[..<got]
    }
    return bytes
  }

  private static func fetch(_ file: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
    #if canImport(Glibc)
      Glibc.read(file, bytes, count)
    #else
      Darwin.read(file, bytes, count)
    #endif
  }

  private static func readString() -> [UInt8]? {
    guard let length = read(4) else { return nil }
    return read(length.reversed().reduce(0) { $0 << 8 | Int($1) })
  }

  private static func answer(_ kind: Character, _ bytes: [UInt8]) {
    let length = (0..<4).map { UInt8(truncatingIfNeeded: bytes.count >> ($0 * 8)) }
    var rest = ([kind.asciiValue ?? 0] + length + bytes)[...]
    while !rest.isEmpty {
      let sent = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      guard sent > 0 else { return }
      rest = rest.dropFirst(sent)
    }
  }
}
