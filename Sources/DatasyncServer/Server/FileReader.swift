#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Reads small files whole.
package enum FileReader {
  static let maxBytes = 64 << 20

  static func bytes(of path: String) throws(ServerError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ServerError("cannot read \(path): \(reason())") }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = read(descriptor, &chunk, chunk.count)
      guard count >= 0 else { throw ServerError("cannot read \(path): \(reason())") }
      guard count > 0 else { return bytes }
      bytes.append(contentsOf: chunk[..<count])
      guard bytes.count <= maxBytes else { throw ServerError("\(path) is larger than 64 MiB") }
    }
  }

  /// - Throws: ``ServerError`` where it cannot be read, is larger than 64 MiB or is not UTF-8.
  package static func text(of path: String) throws(ServerError) -> String {
    guard let text = String(validating: try bytes(of: path), as: UTF8.self) else {
      throw ServerError("\(path) is not UTF-8 text")
    }
    return text
  }

  /// False as well where the process may not search the folders on the way to it.
  package static func exists(_ path: String) -> Bool {
    access(path, F_OK) == 0
  }

  private static func reason() -> String {
    String(cString: strerror(errno))
  }
}
