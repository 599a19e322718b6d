import HeapModule
import NIOCore

/// When the subscriptions of a loop have to say something next: one timer for all of them. Loop-bound.
///
/// A heartbeat may come by ``grain`` too early, never too late.
final class HeartbeatQueue {
  static let grain: TimeAmount = .milliseconds(25)

  /// Where a subscription waits. A value, kept small: each subscription has one.
  struct Place {
    fileprivate let tick: Int64
    /// Within the bucket; negative: nowhere.
    fileprivate let index: Int32

    static let none = Place(tick: 0, index: -1)
  }

  private let eventLoop: any EventLoop
  /// By the number of grains since the clock's zero; empty ones stay until their time.
  private var buckets: [Int64: ContiguousArray<Subscription>] = [:]
  private var ticks = Heap<Int64>()
  private var timer: (tick: Int64, task: Scheduled<Void>)?

  init(eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
  }

  /// All that have started and not ended.
  var subscriptions: [Subscription] { buckets.values.flatMap { $0 } }

  func insert(_ subscription: Subscription, due: NIODeadline) {
    let tick = HeartbeatQueue.tick(due)
    if buckets[tick] == nil { ticks.insert(tick) }
    let index = buckets[tick]?.count ?? 0
    buckets[tick, default: []].append(subscription)
    subscription.heartbeatPlace = Place(tick: tick, index: Int32(index))
    arm()
  }

  func remove(_ subscription: Subscription) {
    let place = subscription.heartbeatPlace
    guard place.index >= 0, let count = buckets[place.tick]?.count else { return }
    let index = Int(place.index)
    buckets[place.tick]?.swapAt(index, count - 1)
    buckets[place.tick]?[index].heartbeatPlace = place
    buckets[place.tick]?.removeLast()
    // The one that left may have been the last of its bucket.
    subscription.heartbeatPlace = .none
  }

  private static func tick(_ time: NIODeadline) -> Int64 {
    Int64(clamping: time.uptimeNanoseconds) / grain.nanoseconds
  }

  private func arm() {
    guard let next = ticks.min else { return }
    if let timer {
      guard next < timer.tick else { return }
      timer.task.cancel()
    }
    let deadline = NIODeadline.uptimeNanoseconds(
      UInt64(clamping: next * HeartbeatQueue.grain.nanoseconds))
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    timer = (next, eventLoop.scheduleTask(deadline: deadline) { bound.value.fire() })
  }

  private func fire() {
    timer = nil
    let now = HeartbeatQueue.tick(eventLoop.now)
    while let tick = ticks.min, tick <= now {
      ticks.removeMin()
      for subscription in buckets.removeValue(forKey: tick) ?? [] {
        subscription.heartbeatPlace = .none
        subscription.heartbeat()
      }
    }
    arm()
  }
}
