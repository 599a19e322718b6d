import DatasyncModel
import DatasyncRPC
import DatasyncStorage
import Logging
import Synchronization
import Testing

@testable import DatasyncServer

/// What whoever runs the server reads.
@Suite struct ServiceLogTests {
  /// Keeps what is logged. Sendable.
  private final class Lines: Sendable {
    private let lines = Mutex<[(level: Logger.Level, text: String)]>([])

    func append(_ level: Logger.Level, _ text: String) {
      lines.withLock { $0.append((level, text)) }
    }

    var all: [(level: Logger.Level, text: String)] { lines.withLock { $0 } }
  }

  private struct Handler: LogHandler {
    let lines: Lines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let pairs = (event.metadata ?? [:]).map { "\($0.key)=\($0.value)" }.sorted()
      lines.append(
        event.level, ([event.message.description] + pairs).joined(separator: " "))
    }
  }

  private func log(_ lines: Lines, interval: Duration = .seconds(10)) -> ServiceLog {
    let logger = Logger(label: "test") { _ in Handler(lines: lines) }
    return ServiceLog(logger: logger, throttle: LogThrottle(interval: interval))
  }

  @Test(arguments: [
    ("DISK_FULL", "free some space"), ("STORAGE_FAILED", "the system's log"),
    ("DATABASE_CORRUPT", "datasync check"), ("READ_ONLY_DATABASE", "not writable"),
  ])
  func `writes that fail are told of with what to do, once`(_ reason: String, _ what: String) {
    let lines = Lines()
    let log = log(lines)
    for _ in 0..<50 { log.writesFail(DatasyncError(.unavailable, reason: reason, "secret row")) }
    #expect(lines.all.count == 1)
    #expect(lines.all.first?.level == .error)
    #expect(lines.all.first?.text.contains(what) == true)
    #expect(lines.all.first?.text.contains("reason=\(reason)") == true)
    // What a client is told may name its row.
    #expect(lines.all.first?.text.contains("secret") == false)
  }

  @Test func `after a while it is told of again, with how often it has happened`() {
    let lines = Lines()
    let log = log(lines, interval: .zero)
    let error = DatasyncError(.unavailable, reason: "DISK_FULL", "")
    log.writesFail(error)
    log.writesFail(error)
    #expect(lines.all.count == 2)
    let throttle = LogThrottle(interval: .milliseconds(30))
    #expect(throttle.count("a") == 1)
    #expect(throttle.count("a") == nil)
    #expect(throttle.count("b") == 1)
    let deadline = ContinuousClock.now + .seconds(90)
    var count: Int?
    var asked = 1
    while count == nil, ContinuousClock.now < deadline {
      count = throttle.count("a")
      asked += 1
    }
    #expect(count == asked)
  }

  @Test func `each thing that lasts says what it is, for how long, and what to do`() {
    let lines = Lines()
    let log = log(lines)
    for phase in [WriterState.Phase.waitingForLock, .committing, .writing] {
      log.writerStuck(WriterState(phase: phase, duration: .seconds(7)))
    }
    log.adoptionLasts(rows: 1_000_000, in: .seconds(24))
    log.scanWasSlow(table: "films", for: .milliseconds(12_500))
    log.consumerBehind(table: "films", clientID: "c1", by: 5000)
    log.readFailed(DatasyncError(.unavailable, reason: "STORAGE_FAILED", ""))
    // That one is the client's affair.
    log.readFailed(DatasyncError(.notFound, reason: "ROW_NOT_FOUND", ""))
    let texts = lines.all.map(\.text)
    let wanted = [
      ["write lock", "lsof", "phase=waitingForLock", "seconds=7"], ["disk", "phase=committing"],
      ["trigger", "phase=writing"], ["smaller transactions", "rows=1000000", "seconds=24"],
      ["datasync explain", "table=films", "seconds=12"], ["client_id=c1", "changes=5000"],
      ["datasync check", "reason=STORAGE_FAILED"],
    ]
    #expect(texts.count == wanted.count)
    for (text, parts) in zip(texts, wanted) {
      for part in parts { #expect(text.contains(part), "\(text)") }
    }
  }

  @Test func `tables that come and go do not fill the log, and all are named at the start`() {
    let lines = Lines()
    let log = log(lines)
    for n in 0..<100 {
      log.tableIsUnserved("s\(n)", reason: "no key", isStarting: true)
    }
    #expect(lines.all.count == 100)
    for _ in 0..<1000 {
      log.tableIsUnserved("t", reason: "no key", isStarting: false)
    }
    #expect(lines.all.count == 101)
    for n in 0..<1000 {
      log.tableIsUnserved("t\(n)", reason: "no key", isStarting: false)
    }
    #expect(lines.all.count == 101 + 31 + 1)
    #expect(lines.all.last?.text.contains("table=t31") == true, "\(lines.all.last?.text ?? "")")
  }
}
