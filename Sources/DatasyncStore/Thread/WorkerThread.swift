#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A thread of ours, joined by whoever started it. Sendable.
struct WorkerThread: Sendable {
  private final class Start {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) {
      self.body = body
    }
  }

  private let thread: UInt

  /// - Returns: nil where the system has no thread left.
  init?(_ body: @escaping @Sendable () -> Void) {
    let start = Unmanaged.passRetained(Start(body))
    #if canImport(Glibc)
      var thread = pthread_t()
      let code = pthread_create(
        &thread, nil,
        { context in
          if let context { Unmanaged<Start>.fromOpaque(context).takeRetainedValue().body() }
          return nil
        }, start.toOpaque())
      guard code == 0 else {
        start.release()
        return nil
      }
      self.thread = UInt(thread)
    #else
      var thread: pthread_t?
      let code = pthread_create(
        &thread, nil,
        { context in
          Unmanaged<Start>.fromOpaque(context).takeRetainedValue().body()
          return nil
        }, start.toOpaque())
      guard code == 0, let thread else {
        start.release()
        return nil
      }
      self.thread = UInt(bitPattern: thread)
    #endif
  }

  func join() {
    #if canImport(Glibc)
      pthread_join(pthread_t(thread), nil)
    #else
      if let thread = pthread_t(bitPattern: thread) { pthread_join(thread, nil) }
    #endif
  }
}
