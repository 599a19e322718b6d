#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Standard error, one line at a time.
enum StandardError {
  static func print(_ line: String) {
    FileDescriptorOutput.write(line + "\n", to: STDERR_FILENO)
  }
}

/// Standard output, unbuffered: whoever reads it through a pipe waits for the line.
enum StandardOutput {
  static func print(_ line: String) {
    FileDescriptorOutput.write(line + "\n", to: STDOUT_FILENO)
  }

  /// Without a line's end of its own.
  static func write(_ text: String) {
    FileDescriptorOutput.write(text, to: STDOUT_FILENO)
  }
}

private enum FileDescriptorOutput {
  /// Whoever closed the other end does not want the text: an error is no error.
  static func write(_ text: String, to descriptor: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { raw in
        #if canImport(Glibc)
          Glibc.write(descriptor, raw.baseAddress, raw.count)
        #else
          Darwin.write(descriptor, raw.baseAddress, raw.count)
        #endif
      }
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }
}
