import Logging
import Synchronization
import Testing

@testable import DatasyncRPC

struct RareLogTests {
  /// Keeps what is logged.
  private final class Lines: Sendable {
    let texts = Mutex<[String]>([])
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
      lines.texts.withLock { $0.append("\(event.message) ×\(event.metadata?["count"] ?? "")") }
    }
  }

  @Test func `each kind is said at once, then once a minute with how often it happened`() {
    let lines = Lines()
    let log = RareLog(logger: Logger(label: "test") { _ in Handler(lines: lines) })
    let start = ContinuousClock.now
    func happens(_ kind: String, at second: Int) {
      log.warning("\(kind)", kind: kind, now: start + .seconds(second), metadata: [:])
    }
    for second in [0, 1, 59, 60, 61, 200] { happens("a", at: second) }
    happens("b", at: 1)
    #expect(lines.texts.withLock { $0 } == ["a ×1", "a ×3", "a ×2", "b ×1"])
  }
}
