import DatasyncModel
import DatasyncStorage
import NIOCore
import ServiceLifecycle

// What those who follow the log by name ask of the service; all of them of one loop.
extension DatasyncService {
  /// The loop that they ask.
  private var consumerLoop: NIOLoopBound<ServiceLoop> {
    guard let loop = allLoops.min(by: { $0.eventLoop.description < $1.eventLoop.description })
    else {
      preconditionFailure("a service has at least one loop")
    }
    return loop
  }

  /// Carries a step out, durably.
  func take(_ step: ConsumerStep) async throws -> Sequence {
    let loop = consumerLoop
    return try await loop.eventLoop.flatSubmit {
      loop.value.consumerDesk.take(step, in: loop.value)
    }.get()
  }

  /// Returns once there is something after a position, the task is cancelled or told to shut down, or the
  /// server ends.
  func wait(after position: Sequence) async {
    let loop = consumerLoop
    let number = consumers.makeNumber()
    let giveUp = { @Sendable in
      loop.eventLoop.execute { loop.value.consumerDesk.giveUp(number) }
    }
    await withTaskCancellationHandler {
      await withGracefulShutdownHandler {
        guard !Task.isCancelled, !Task.isShuttingDownGracefully else { return }
        try? await loop.eventLoop.flatSubmit {
          loop.value.consumerDesk.wait(after: position, number: number, in: loop.value)
        }.get()
      } onGracefulShutdown: {
        giveUp()
      }
    } onCancel: {
      giveUp()
    }
  }

  /// Reads the log on a reader's thread.
  func readLog<Result: Sendable>(
    _ body: @escaping @Sendable (any StorageSnapshot) throws(DatasyncError) -> Result
  ) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      store.read(.log, body) { continuation.resume(with: $0.mapError { $0 as any Error }) }
    }
  }

  func consumerTook() {
    metrics.consumerTook()
  }

  /// It is told each time, and whoever runs the server too.
  func consumerFellOut(_ name: String) {
    metrics.consumerFellOut()
    log.consumerFellOut(name)
  }

  /// Those that follow end after what they have been given.
  package func endConsumers() {
    consumers.end()
    let loop = consumerLoop
    loop.eventLoop.execute { loop.value.consumerDesk.end() }
  }

  /// How many follow, and by how many changes the one is behind that is furthest.
  package var consumerState: (count: Int, lag: UInt64) {
    let lag = consumers.furthest.map { store.head.rawValue.subtractingClamped($0.rawValue) }
    return (consumers.count, lag ?? 0)
  }
}
