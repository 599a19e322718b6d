import HeapModule
import NIOCore

/// When the subscriptions of a loop have to do something next: one timer for all of them. Loop-bound.
///
/// However many are due, the loop serves others in between: after ``turnTime`` the queue pauses for as
/// long as it has worked.
final class TimerQueue {
  /// What the subscriptions wait for. A value.
  struct Purpose {
    /// A subscription may be due by that much too early.
    let grain: TimeAmount
    let place: ReferenceWritableKeyPath<Subscription, Place>
    let due: (Subscription) -> Void
    /// After ``TimerQueue/wakeIdle()``, for each that has nothing to wait for.
    var woken: (Subscription) -> Void = { _ in }
  }

  /// Where a subscription waits. A value, kept small: each subscription has some.
  struct Place {
    /// The queue keeps it as long as anyone is in it.
    fileprivate unowned let bucket: Bucket?
    fileprivate let index: Int32

    static var none: Place { Place(bucket: nil, index: -1) }
  }

  /// Those that are due together.
  fileprivate final class Bucket {
    var subscriptions: ContiguousArray<Subscription> = []
  }

  /// How long the loop does nothing else.
  static let turnTime: TimeAmount = .milliseconds(2)
  private static let leastPause: TimeAmount = .milliseconds(1)
  /// Subscriptions between two looks at the clock.
  private static let stride = 8

  private let eventLoop: any EventLoop
  private let purpose: Purpose
  /// By the number of grains since the clock's zero; empty ones stay until their time.
  private var buckets: [Int64: Bucket] = [:]
  private var ticks = Heap<Int64>()
  private var timer: (deadline: NIODeadline, task: Scheduled<Void>)?
  private var idle = Bucket()
  private var woken: [Bucket] = []
  /// Whether the timer is set by ``fire()`` alone.
  private var isPausing = false

  init(eventLoop: any EventLoop, purpose: Purpose) {
    self.eventLoop = eventLoop
    self.purpose = purpose
  }

  /// All that wait.
  var subscriptions: [Subscription] {
    buckets.values.flatMap(\.subscriptions) + idle.subscriptions + woken.flatMap(\.subscriptions)
  }

  func insert(_ subscription: Subscription, due: NIODeadline) {
    let tick = tick(due)
    let bucket: Bucket
    if let found = buckets[tick] {
      bucket = found
    } else {
      bucket = Bucket()
      buckets[tick] = bucket
      ticks.insert(tick)
    }
    put(subscription, in: bucket)
    arm()
  }

  /// Has a subscription wait for ``wakeIdle()``.
  func insertIdle(_ subscription: Subscription) {
    put(subscription, in: idle)
  }

  /// Asks those that wait for nothing else, soon. Costs next to nothing here.
  func wakeIdle() {
    guard !idle.subscriptions.isEmpty else { return }
    woken.append(idle)
    idle = Bucket()
    arm()
  }

  func remove(_ subscription: Subscription) {
    let place = subscription[keyPath: purpose.place]
    guard let bucket = place.bucket else { return }
    let index = Int(place.index)
    bucket.subscriptions.swapAt(index, bucket.subscriptions.count - 1)
    bucket.subscriptions[index][keyPath: purpose.place] = place
    bucket.subscriptions.removeLast()
    // The one that left may have been the last of its bucket.
    subscription[keyPath: purpose.place] = .none
  }

  private func put(_ subscription: Subscription, in bucket: Bucket) {
    subscription[keyPath: purpose.place] = Place(
      bucket: bucket, index: Int32(bucket.subscriptions.count))
    bucket.subscriptions.append(subscription)
  }

  private func tick(_ time: NIODeadline) -> Int64 {
    Int64(clamping: time.uptimeNanoseconds) / purpose.grain.nanoseconds
  }

  private func arm() {
    guard !isPausing else { return }
    if !woken.isEmpty { return schedule(at: eventLoop.now) }
    guard let next = ticks.min else { return }
    let (time, overflow) = next.multipliedReportingOverflow(by: purpose.grain.nanoseconds)
    schedule(at: .uptimeNanoseconds(overflow ? UInt64(Int64.max) : UInt64(clamping: time)))
  }

  private func schedule(at deadline: NIODeadline) {
    if let timer {
      guard deadline < timer.deadline else { return }
      timer.task.cancel()
    }
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    timer = (deadline, eventLoop.scheduleTask(deadline: deadline) { bound.value.fire() })
  }

  private func fire() {
    timer = nil
    isPausing = true
    let start = NIODeadline.now()
    guard takeTurn(since: start) else {
      // A task that is put behind the others would run in this same tick, before anything is read.
      let now = NIODeadline.now()
      return schedule(at: now + max(TimerQueue.leastPause, now - start))
    }
    isPausing = false
    arm()
  }

  /// - Returns: Whether nobody is left who is due.
  private func takeTurn(since start: NIODeadline) -> Bool {
    while let bucket = woken.first {
      guard empty(bucket, since: start, purpose.woken) else { return false }
      woken.removeFirst()
    }
    let now = tick(eventLoop.now)
    while let tick = ticks.min, tick <= now {
      if let bucket = buckets[tick], !empty(bucket, since: start, purpose.due) { return false }
      ticks.removeMin()
      buckets[tick] = nil
    }
    return true
  }

  /// - Returns: Whether there was time for all of them.
  private func empty(
    _ bucket: Bucket, since start: NIODeadline, _ body: (Subscription) -> Void
  ) -> Bool {
    var count = 0
    while let subscription = bucket.subscriptions.popLast() {
      subscription[keyPath: purpose.place] = .none
      body(subscription)
      count += 1
      guard count % TimerQueue.stride == 0 else { continue }
      if NIODeadline.now() - start > TimerQueue.turnTime { return bucket.subscriptions.isEmpty }
    }
    return true
  }
}
