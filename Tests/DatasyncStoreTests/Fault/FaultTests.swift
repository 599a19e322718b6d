import CDatasyncFaultVFS
import Foundation
import Testing

@testable import DatasyncModel
@testable import DatasyncStore

/// The n-th call of each failpoint fails: no crash, no lie, no leak. `DATASYNC_ALL_FAULTS=1` takes
/// every n up to the end of the workload, else a sample is taken.
///
/// Each runs in a process of its own, which has SQLite for itself.
@Suite(.serialized)
struct FaultTests {
  @Test(arguments: FaultPoint.allCases)
  func `an open store tells the truth, and goes on, whichever call fails`(
    point: FaultPoint
  ) async {
    let end = await #expect(
      processExitsWith: .success, observing: [\.standardErrorContent]
    ) { [point = point as FaultPoint] in
      // Once, and four times in a row: what is done about a failure may fail as well.
      FaultTests.recording {
        try FaultTests.install()
        try FaultTests.serve(point, burst: 1)
        try FaultTests.serve(point, burst: 4)
      }
    }
    FaultTests.show(end)
  }

  @Test(arguments: FaultPhase.allCases)
  func `what is done with a whole file is done or refused, whichever call fails`(
    phase: FaultPhase
  ) async {
    let end = await #expect(
      processExitsWith: .success, observing: [\.standardErrorContent]
    ) { [phase = phase as FaultPhase] in
      for point in FaultPoint.allCases {
        FaultTests.recording { try FaultTests.operate(phase, point) }
      }
    }
    FaultTests.show(end)
  }

  /// An error that leaves the other process would say no more than that it was there.
  private static func recording(_ body: () throws -> Void) {
    do {
      try body()
    } catch {
      Issue.record("\(error)")
    }
  }

  /// Shows what the other process says of its run.
  private static func show(_ result: ExitTest.Result?) {
    let lines = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
      .split(separator: "\n").filter { $0.hasPrefix("faults: ") }
    print(lines.joined(separator: "\n"))
  }

  private static func install() throws {
    guard faults_install() == 0 else { throw TestFault(description: "SQLite is in use already") }
  }

  private static func serve(_ point: FaultPoint, burst: Int) throws {
    let script = try FaultPoint.exempt { try FaultScript() }
    // What SQLite makes once for the process.
    try FaultPoint.exempt {
      try script.open()
      try script.run(point)
      script.close()
    }
    let before = Holdings.now
    var injected = 0
    var tried = 0
    var last = 0
    try FaultPoint.exempt { try script.open() }
    for n in point.numbers(step: 30) {
      do {
        point.arm(n, burst: burst)
        _ = faults_exempt_this_thread(1)
        try script.run(point)
        let didFail = FaultPoint.disarm()
        tried += 1
        injected += didFail ? 1 : 0
        last = n
        try script.verify(thoroughly: n % 16 == 0 || !didFail)
        if !didFail || tried % 64 == 0 {
          script.close()
          let after = Holdings.now
          guard after == before else {
            throw TestFault(description: "\(after) are left; before, \(before)")
          }
          guard didFail else { break }
          try script.open()
        }
      } catch {
        throw TestFault(
          description:
            "\(point.rawValue), \(burst) from call \(n), seed \(FaultPoint.seed): \(error)")
      }
    }
    report(
      "serving, \(point.rawValue), \(burst) in a row", tried: tried, injected: injected, last: last,
      "refused: \(script.refused)")
  }

  private static func operate(_ phase: FaultPhase, _ point: FaultPoint) throws {
    if point == FaultPoint.allCases.first { try install() }
    _ = faults_exempt_this_thread(1)
    let template = try phase.template()
    let directory = NSTemporaryDirectory() + "datasync-faults-" + UUID().uuidString
    let path = directory + "/test.db"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    var injected = 0
    var refused: [String: Int] = [:]
    var (tried, last) = (0, 0)
    for n in point.numbers(step: 100) {
      do {
        try? FileManager.default.removeItem(atPath: directory)
        try FileManager.default.createDirectory(
          atPath: directory, withIntermediateDirectories: true)
        for (suffix, data) in template {
          try data.write(to: URL(fileURLWithPath: path + suffix))
        }
        let before = Holdings.now
        var refusal: DatasyncError?
        point.arm(n)
        _ = faults_exempt_this_thread(0)
        do {
          try phase.run(path)
        } catch let error as DatasyncError {
          refusal = error
        }
        _ = faults_exempt_this_thread(1)
        let didFail = FaultPoint.disarm()
        if let refusal {
          guard didFail, phase.mayRefuse(refusal, point) else { throw refusal }
          refused["\(refusal.code.rawValue) \(refusal.reason)", default: 0] += 1
        }
        // Where SQLite could not, its file is looked at until it is gone; nobody has it open.
        try? FileManager.default.removeItem(atPath: path + "-shm")
        ForeignReads.closeGone()
        let after = Holdings.now
        guard after == before else {
          throw TestFault(description: "\(after) are left; before, \(before)")
        }
        try phase.verify(path, succeeded: refusal == nil)
        // Allocations are many, and nearly all fail before anything is written.
        if point != .allocation || n % 10 == 0 || refusal == nil {
          try phase.verifyThoroughly(path, succeeded: refusal == nil)
        }
        tried += 1
        injected += didFail ? 1 : 0
        last = n
        if !didFail { break }
      } catch {
        throw TestFault(
          description: "\(phase), \(point.rawValue), call \(n), seed \(FaultPoint.seed): \(error)")
      }
    }
    report(
      "\(phase.rawValue), \(point.rawValue)", tried: tried, injected: injected, last: last,
      "refused: \(refused)")
  }

  private static func report(
    _ name: String, tried: Int, injected: Int, last: Int, _ rest: String
  ) {
    let line = "faults: \(name): \(injected) calls failed of \(last), \(rest)\n"
    FileHandle.standardError.write(Data(line.utf8))
  }
}
