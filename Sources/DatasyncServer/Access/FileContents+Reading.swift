package import DatasyncAccess

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension FileContents {
  /// Reads files of the system.
  ///
  /// - Parameter limit: Of what is larger, one byte more is read, so that it shows.
  package init(reading limit: Int) {
    self.init { (path) throws(Failure) in
      guard let file = fopen(path, "rb") else {
        throw Failure("it cannot be read: \(String(cString: strerror(errno)))")
      }
      defer { fclose(file) }
      var bytes: [UInt8] = []
      var piece = [UInt8](repeating: 0, count: 16 << 10)
      while bytes.count <= limit {
        let count = fread(&piece, 1, min(piece.count, limit + 1 - bytes.count), file)
        guard count > 0 else { break }
        bytes += piece[..<count]
      }
      guard ferror(file) == 0 else {
        throw Failure("it cannot be read: \(String(cString: strerror(errno)))")
      }
      return bytes
    }
  }
}
