#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What is told to the person at the terminal, without a word about our insides.
struct Failure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}

/// Standard error, one line at a time.
enum StandardError {
  static func print(_ line: String) {
    fputs(line + "\n", stderr)
  }
}

/// Standard output, flushed: whoever reads it through a pipe waits for the line.
enum StandardOutput {
  static func print(_ line: String) {
    fputs(line + "\n", stdout)
    fflush(stdout)
  }
}
