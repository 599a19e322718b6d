import DatasyncRPC
import NIOCore
import Synchronization

/// Remembers how the calls of one input went: each ends once, and nothing comes after. Sendable.
final class CallLedger: Sendable {
  private struct State {
    var open = 0
    var faults: [String] = []
  }

  private let state = Mutex(State())

  /// Methods that make a call wait, pause, answer too much and end early.
  var service: Service {
    Service(
      name: "f.E",
      methods: [
        Method(name: "U") { LedgerHandler($0, self, .echo) },
        Method(name: "C", isClientStreaming: true, isServerStreaming: true) {
          LedgerHandler($0, self, .echo)
        },
        Method(name: "P", isClientStreaming: true, isServerStreaming: true) {
          LedgerHandler($0, self, .pause)
        },
        Method(name: "M", isServerStreaming: true) { LedgerHandler($0, self, .multiply) },
        Method(name: "S", isClientStreaming: true, isServerStreaming: true) {
          LedgerHandler($0, self, .silent)
        },
      ])
  }

  fileprivate func opened() {
    state.withLock { $0.open += 1 }
  }

  fileprivate func ended() {
    state.withLock { $0.open -= 1 }
  }

  fileprivate func record(_ fault: String) {
    state.withLock { $0.faults.append(fault) }
  }

  func check() throws {
    let (open, faults) = state.withLock { ($0.open, $0.faults) }
    try require(faults.isEmpty, faults.joined(separator: "; "))
    try require(open == 0, "\(open) calls never ended")
  }
}

/// One call. Loop-bound.
private final class LedgerHandler: CallHandler {
  enum Manner {
    case echo, pause, multiply, silent
  }

  private let call: ServerCall
  private let ledger: CallLedger
  private let manner: Manner
  private var hasEnded = false
  private var wasHalfClosed = false
  private var left = 0

  init(_ call: ServerCall, _ ledger: CallLedger, _ manner: Manner) {
    self.call = call
    self.ledger = ledger
    self.manner = manner
    ledger.opened()
    if manner == .silent { call.sendInitialMetadata(call.metadata) }
  }

  private func live(_ event: String) {
    if hasEnded { ledger.record("\(event) after the end of \(call.path)") }
  }

  private func end() {
    live("end")
    hasEnded = true
    ledger.ended()
  }

  func received(_ message: ByteBuffer, wasCompressed: Bool) {
    live("message")
    if wasHalfClosed { ledger.record("message after the half-close of \(call.path)") }
    if message.readableBytes > 2048 { ledger.record("\(message.readableBytes) bytes received") }
    switch manner {
    case .echo:
      call.send(message, compress: wasCompressed)
    case .pause:
      call.pauseReading()
      call.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(10)) {
        self.call.resumeReading()
      }
    case .multiply:
      left = 40
      drained()
    case .silent:
      break
    }
  }

  func drained() {
    live("drained")
    guard manner == .multiply, left > 0 else { return }
    while left > 0, call.isWritable, !hasEnded {
      left -= 1
      call.send(writing: { $0.writeRepeatingByte(7, count: 300) })
    }
    if left == 0, !hasEnded, call.isOpen {
      end()
      call.finish(.ok, trailers: call.metadata)
    }
  }

  func halfClosed() {
    live("half-close")
    wasHalfClosed = true
    guard manner == .echo || manner == .pause else { return }
    end()
    call.finish(manner == .echo ? .ok : Status(.aborted, "as told", details: [8, 10]))
  }

  func cancelled(_ cause: CancellationCause) {
    end()
  }

  func serverDraining(timeLeft: TimeAmount) {
    live("draining")
  }
}
