import DatasyncAccess
import NIOCore
import NIOPosix
import Synchronization

/// Takes the access file and those that it names anew when they change: looks at them once a second, and
/// when it is told to. On a thread for files, never on an event loop; one look at a time. Sendable.
final class AccessWatch: Sendable {
  private struct State {
    var isLooking = false
    /// Told to read them while it looked.
    var readsAgain = false
    var isStopped = false
    var stamps: [String: FileStamp?] = [:]
    var task: RepeatedTask?
  }

  private static let interval: TimeAmount = .seconds(1)

  private let access: AccessControl
  private let log: ServiceLog
  private let onChange: @Sendable () -> Void
  private let state = Mutex(State())

  /// - Parameter onChange: Called when what is in use has to be judged anew; on a thread for files.
  init(
    _ access: AccessControl, on eventLoop: any EventLoop, log: ServiceLog,
    onChange: @escaping @Sendable () -> Void
  ) {
    self.access = access
    self.log = log
    self.onChange = onChange
    let task = eventLoop.scheduleRepeatedTask(
      initialDelay: AccessWatch.interval, delay: AccessWatch.interval
    ) { [weak self] _ in self?.look(readsAll: false) }
    state.withLock { $0.task = task }
  }

  func stop() {
    state.withLock { state in
      state.isStopped = true
      state.task?.cancel()
    }
  }

  /// - Parameter readsAll: Whether files are read that look unchanged.
  func look(readsAll: Bool) {
    let begins = state.withLock { state in
      guard !state.isStopped else { return false }
      guard !state.isLooking else {
        state.readsAgain = state.readsAgain || readsAll
        return false
      }
      state.isLooking = true
      return true
    }
    guard begins else { return }
    NIOThreadPool.singleton.submit { [self] work in
      if case .active = work { read(readsAll: readsAll) }
      let again = state.withLock { state in
        defer { (state.isLooking, state.readsAgain) = (false, false) }
        return state.readsAgain
      }
      if again { look(readsAll: true) }
    }
  }

  private func read(readsAll: Bool) {
    // Before they are read: what changes meanwhile is seen the next time.
    let paths = access.paths
    let stamps = Dictionary(
      paths.map { ($0, FileStamp($0)) }, uniquingKeysWith: { first, _ in first })
    let isOther = state.withLock { state in
      defer { state.stamps = stamps }
      return paths.contains { path in
        guard let stamp = stamps[path] ?? nil else { return true }
        return state.stamps[path] != stamp
      }
    }
    guard readsAll || isOther else { return }
    let outcome = access.reload(FileContents(reading: AccessFile.maxBytes))
    for fault in outcome.faults { log.accessNotReloaded(fault.description) }
    guard outcome.isChanged else { return }
    log.accessReloaded()
    onChange()
  }
}
