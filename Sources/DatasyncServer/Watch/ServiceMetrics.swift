import DatasyncMessages
import DatasyncModel
import Metrics
import NIOCore
import Synchronization

/// What the service counts, through swift-metrics. Sendable; shared by the event loops, and an atomic
/// add or two a request. Without a backend nothing is counted, nor is the clock looked at.
final class ServiceMetrics: Sendable {
  /// The operations, as the label `method` has them.
  enum Method: Int, CaseIterable {
    case create, replace, update, delete, commit, get, query, subscribe, changes, describe, other

    init(_ request: Request) {
      self =
        switch request {
        case .write(let message):
          switch message.write {
          case .create: .create
          case .replace: .replace
          case .update: .update
          case .delete: .delete
          }
        case .commit: .commit
        case .get: .get
        case .query: .query
        case .subscribe: .subscribe
        case .changes: .changes
        case .describe: .describe
        case .authenticate, .open, .cancel: .other
        }
    }

    var label: String { "\(self)" }
  }

  /// A request at its begin. A value.
  struct Started {
    let method: Method
    let time: NIODeadline
  }

  let isOn: Bool
  private let sessions: Meter
  private let subscriptions: Meter
  private let durations: [Metrics.Timer]
  private let commits: Metrics.Timer
  private let syncs: Metrics.Timer
  private let foreignChanges: Counter
  private let consumerCommits: Counter
  private let consumersCompacted: Counter
  private let failedWrites = Mutex<[String: Counter]>([:])

  /// google.rpc.Code, from OK on.
  static let codes = [
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
    "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED",
    "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
  ]

  init() {
    isOn = !(MetricsSystem.factory is NOOPMetricsHandler)
    sessions = Meter(label: "datasync_sessions")
    subscriptions = Meter(label: "datasync_subscriptions")
    durations = Method.allCases.flatMap { method in
      ServiceMetrics.codes.map { code in
        Metrics.Timer(
          label: "datasync_request_duration_seconds",
          dimensions: [("method", method.label), ("code", code)])
      }
    }
    commits = Metrics.Timer(label: "datasync_commit_duration_seconds")
    syncs = Metrics.Timer(label: "datasync_sync_duration_seconds")
    foreignChanges = Counter(label: "datasync_foreign_changes_total")
    consumerCommits = Counter(label: "datasync_consumer_commits_total")
    consumersCompacted = Counter(label: "datasync_consumers_compacted_total")
  }

  func sessionsChanged(by count: Int) {
    sessions.increment(by: Double(count))
  }

  func subscriptionsChanged(by count: Int) {
    subscriptions.increment(by: Double(count))
  }

  func started(_ request: Request) -> Started {
    Started(method: Method(request), time: .now())
  }

  func ended(_ started: Started, _ code: DatasyncError.Code?) {
    let code = min(max(0, Int(code?.rawValue ?? 0)), ServiceMetrics.codes.count - 1)
    durations[started.method.rawValue * ServiceMetrics.codes.count + code]
      .recordNanoseconds((NIODeadline.now() - started.time).nanoseconds)
  }

  func committed(in duration: Duration, syncing: Duration) {
    guard isOn else { return }
    commits.recordNanoseconds(duration.wholeNanoseconds)
    if syncing > .zero { syncs.recordNanoseconds(syncing.wholeNanoseconds) }
  }

  func consumerTook() {
    consumerCommits.increment()
  }

  func consumerFellOut() {
    consumersCompacted.increment()
  }

  func foreignAdopted(_ count: Int) {
    foreignChanges.increment(by: count)
  }

  /// - Parameter reason: One of the few that the store has.
  func writesFailed(reason: String) {
    let counter = failedWrites.withLock { counters in
      if let counter = counters[reason] { return counter }
      let counter = Counter(
        label: "datasync_write_failures_total", dimensions: [("reason", reason)])
      counters[reason] = counter
      return counter
    }
    counter.increment()
  }
}

extension Duration {
  var wholeNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? .max : whole.addingClamped(attoseconds / 1_000_000_000)
  }

  /// For the log.
  var inSeconds: String { "\(wholeNanoseconds / 1_000_000_000)" }
}
