import Dispatch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// SIGTERM and SIGINT: the first one is told of, the second one ends the process. Namespace.
///
/// The second one is the system's own: whatever our threads are stuck in, none of them has to run for
/// it. A transaction that is under way is taken back when the database is opened again.
enum EndSignals {
  /// From now on; once for the process.
  ///
  /// - Returns: A stream that ends with the first signal, or nil where the process has no descriptor.
  static func trap() -> AsyncStream<Void>? {
    var ends: [CInt] = [-1, -1]
    guard pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    writingEnd = ends[1]
    let (stream, continuation) = AsyncStream.makeStream(
      of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let source = DispatchSource.makeReadSource(
      fileDescriptor: ends[0], queue: DispatchQueue(label: "datasync.signals"))
    source.setEventHandler {
      continuation.finish()
      source.cancel()
    }
    source.resume()
    signal(SIGTERM, firstSignalCame)
    signal(SIGINT, firstSignalCame)
    return stream
  }
}

/// Written once, before the handler that reads it is installed.
nonisolated(unsafe) private var writingEnd: CInt = -1

/// Calls only what a signal's handler may call.
private func firstSignalCame(_ number: CInt) {
  let error = errno
  signal(SIGTERM, SIG_DFL)
  signal(SIGINT, SIG_DFL)
  var byte: UInt8 = 0
  _ = write(writingEnd, &byte, 1)
  errno = error
}
