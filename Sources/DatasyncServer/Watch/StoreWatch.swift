import DatasyncStorage
import NIOCore

/// Looks at the writer once a second, from an event loop, which never waits for the disk: the writer
/// itself cannot say that it is stuck. Sendable.
struct StoreWatch: Sendable {
  private let task: RepeatedTask

  static let interval: TimeAmount = .seconds(1)

  init(_ store: any Storage, on eventLoop: any EventLoop, log: ServiceLog) {
    task = eventLoop.scheduleRepeatedTask(
      initialDelay: StoreWatch.interval, delay: StoreWatch.interval
    ) { [weak store] _ in
      guard let state = store?.load.writer, state.duration >= ServiceLog.stuckWriter else { return }
      log.writerStuck(state)
    }
  }

  func stop() {
    task.cancel()
  }
}
