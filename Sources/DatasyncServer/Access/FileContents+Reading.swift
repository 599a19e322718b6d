package import DatasyncAccess

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension FileContents {
  /// Reads files of the system: regular ones, so that it ends.
  ///
  /// - Parameter limit: Of what is larger, one byte more is read, so that it shows.
  package init(reading limit: Int) {
    self.init { (path) throws(Failure) in
      // A pipe that nobody writes to would keep whoever opens it.
      let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
      guard descriptor >= 0 else { throw .unreadable }
      defer { close(descriptor) }
      var status = stat()
      guard fstat(descriptor, &status) == 0 else { throw .unreadable }
      guard status.st_mode & S_IFMT == S_IFREG else { throw Failure("it is no regular file") }
      var bytes: [UInt8] = []
      var piece = [UInt8](repeating: 0, count: 16 << 10)
      while bytes.count <= limit {
        let count = read(descriptor, &piece, min(piece.count, limit + 1 - bytes.count))
        guard count >= 0 else { throw .unreadable }
        guard count > 0 else { break }
        bytes += piece[..<count]
      }
      return bytes
    }
  }
}

extension FileContents.Failure {
  /// For the reason that the system has just given.
  fileprivate static var unreadable: FileContents.Failure {
    FileContents.Failure("it cannot be read: \(String(cString: strerror(errno)))")
  }
}
