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

  /// - Returns: Whether somebody may still read it.
  static func tell(_ text: String) -> Bool {
    FileDescriptorOutput.write(text, to: STDOUT_FILENO)
  }

  /// Whether the other end of the pipe is closed.
  static var isAbandoned: Bool {
    var descriptor = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
    return poll(&descriptor, 1, 0) > 0 && descriptor.revents != 0
  }

  /// From now on a reader that goes away does not end the process: ``tell(_:)`` says so.
  static func outliveReaders() {
    signal(SIGPIPE, SIG_IGN)
  }

  /// From now on SIGINT and SIGTERM end the process as if it had come to its end, for commands that hold
  /// nothing; also while a reader does not read.
  static func endOnSignal() {
    for number in [SIGINT, SIGTERM] { signal(number) { _ in _exit(0) } }
  }
}

private enum FileDescriptorOutput {
  /// Whoever closed the other end does not want the text: an error is no error.
  ///
  /// - Returns: Whether all of it was written.
  @discardableResult
  static func write(_ text: String, to descriptor: Int32) -> Bool {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { raw in
        #if canImport(Glibc)
          Glibc.write(descriptor, raw.baseAddress, raw.count)
        #else
          Darwin.write(descriptor, raw.baseAddress, raw.count)
        #endif
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      bytes = bytes.dropFirst(count)
    }
    return true
  }
}
