import DatasyncModel
import DatasyncStorage
import NIOCore

/// Where those who follow the log by name ask their loop: for their position, and for what comes next.
/// Loop-bound. It holds an entry for each that waits.
final class ConsumerDesk: WriteRequester {
  private let eventLoop: any EventLoop
  private var registration: UInt64 = 0
  private var nextTicket: UInt64 = 1
  private var steps: [UInt64: EventLoopPromise<Sequence>] = [:]
  private var waiting: [UInt64: EventLoopPromise<Void>] = [:]
  /// Whether the loop tells it of the next commit.
  private var isTold = false
  private var isEnded = false

  init(eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
  }

  /// Carries a step out, durably.
  func take(_ step: ConsumerStep, in loop: ServiceLoop) -> EventLoopFuture<Sequence> {
    if registration == 0 { registration = loop.requesters.register(self) }
    let ticket = nextTicket
    nextTicket += 1
    do {
      try loop.submit(
        WriteRequest(
          replyTo: ReplyAddress(loop: loop.index, session: registration, request: ticket),
          operations: [], isCommit: false, author: .unknown, mutation: nil,
          byteCount: 64 + step.name.utf8.count, consumer: step))
    } catch {
      return eventLoop.makeFailedFuture(error)
    }
    let promise = eventLoop.makePromise(of: Sequence.self)
    steps[ticket] = promise
    return promise.futureResult
  }

  func answered(_ answer: WriteAnswer) {
    guard let promise = steps.removeValue(forKey: answer.replyTo.request) else { return }
    switch answer.outcome {
    case .success(let results, _): promise.succeed(results.first?.sequence ?? .zero)
    case .failure(let error): promise.fail(error)
    }
  }

  /// Completes once there is something after a position, or everything ends.
  ///
  /// - Parameter number: By which it can be given up; no other one that waits has it.
  func wait(after position: Sequence, number: UInt64, in loop: ServiceLoop) -> EventLoopFuture<Void>
  {
    guard loop.head <= position, !isEnded else { return eventLoop.makeSucceededVoidFuture() }
    let promise = eventLoop.makePromise(of: Void.self)
    waiting[number] = promise
    if !isTold {
      isTold = true
      loop.whenPublished(loop.head.next) { [self] in
        isTold = false
        wakeAll()
      }
    }
    return promise.futureResult
  }

  func giveUp(_ number: UInt64) {
    waiting.removeValue(forKey: number)?.succeed()
  }

  /// Nobody waits any more.
  func end() {
    isEnded = true
    wakeAll()
  }

  private func wakeAll() {
    let woken = waiting.values
    waiting = [:]
    for promise in woken { promise.succeed() }
  }
}
