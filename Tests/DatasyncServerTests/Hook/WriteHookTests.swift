import DatasyncStorage
import NIOCore
import Synchronization
import Testing

@testable import DatasyncMessages
@testable import DatasyncModel
@testable import DatasyncServer

/// Hooks around writes, on a store in memory.
@Suite(.timeLimit(.minutes(5)))
struct WriteHookTests {
  /// Does what a test says, and keeps what it saw.
  private final class Hook: WriteHook, Sendable {
    struct Seen: Equatable, Sendable {
      let kind: WriteKind
      let stored: String?
      let proposed: String?
    }

    let seen = Mutex<[Seen]>([])
    let done = Mutex<[String]>([])
    private let body: @Sendable (inout ProposedWrite) async throws -> Void

    init(
      _ body: @escaping @Sendable (inout ProposedWrite) async throws -> Void = { _ in }
    ) {
      self.body = body
    }

    func willWrite(_ write: inout ProposedWrite) async throws {
      let (kind, stored, proposed) = (
        write.kind, write.stored?["title"]?.text, write.row?["title"]?.text
      )
      seen.withLock { $0.append(Seen(kind: kind, stored: stored, proposed: proposed)) }
      try await body(&write)
    }

    func didCommit(_ write: CommittedWrite) async {
      let line = "\(write.kind) \(write.id) \(write.after?["title"]?.text ?? "-") \(write.sequence)"
      done.withLock { $0.append(line) }
    }

    var titles: [String?] { seen.withLock { $0.map(\.stored) } }
  }

  @Test func `a hook sees the row as it is and as it is to be, and what it makes of it is stored`()
    async throws
  {
    let hook = Hook { write in
      if let title = write.row?["title"]?.text { write.row?["title"] = .string(title + "!") }
    }
    try await TestService.run(hooks: [hook]) { service in
      let client = try await service.client()
      try await client.ask(1, .create("a", "one"), .replace("a", "two"), .delete("a"))
      let said = try await client.ended(1, 2, 3)
      #expect(
        said == [.answer(1, "one!", 1), .answer(2, "two!", 2), .answer(3, "two!", 3)], "\(said)")
      let seen = hook.seen.withLock { $0 }
      #expect(
        seen == [
          Hook.Seen(kind: .create, stored: nil, proposed: "one"),
          Hook.Seen(kind: .replace, stored: "one!", proposed: "two"),
          Hook.Seen(kind: .delete, stored: "two!", proposed: nil),
        ])
      // The last one may still be on its way to be told.
      while hook.done.withLock({ $0.count }) < 3 { try await Task.sleep(for: .milliseconds(1)) }
      #expect(
        hook.done.withLock { $0 } == ["create a one! 1", "replace a two! 2", "delete a - 3"])
    }
  }

  @Test func `a refusal is the client's, a failure nobody's, and each is its write's alone`()
    async throws
  {
    struct Broken: Error {}
    let hook = Hook { write in
      switch write.row?["title"]?.text {
      case "refuse": throw WriteRefusal("not so")
      case "break": throw Broken()
      case "field": write.row?["nothing"] = 1
      case "type": write.row?["title"] = 1
      case "system": write.row?["version"] = 1
      default: break
      }
    }
    try await TestService.run(hooks: [hook]) { service in
      let client = try await service.client()
      try await client.ask(
        1, .create("a", "refuse"), .create("b", "break"), .create("c", "field"),
        .create("d", "type"), .create("e", "system"), .create("f", "fine"), .query())
      let said = try await client.ended(1, 2, 3, 4, 5, 6, 7)
      #expect(
        said == [
          .end(1, "WRITE_REFUSED"), .end(2, "HOOK_FAILED"), .end(3, "HOOK_FAILED"),
          .end(4, "HOOK_FAILED"), .end(5, "HOOK_FAILED"), .answer(6, "fine", 1),
          .answer(7, "1 rows", 0),
        ], "\(said)")
    }
  }

  @Test func `who hangs fails its own write alone, and nobody else waits`() async throws {
    let hook = Hook { write in
      // It does not hear that it is cancelled.
      if write.row?["title"]?.text == "hang" {
        await withUnsafeContinuation { continuation in stuck.withLock { $0.append(continuation) } }
      }
    }
    try await TestService.run(hooks: [hook]) { service in
      let hanging = try await service.client("one")
      let other = try await service.client("two")
      try await hanging.ask(1, .create("a", "hang"), .create("b", "after"))
      try await hanging.said { _ in true }
      try await other.ask(1, .create("c", "other"), .get("c"))
      let answered = try await other.ended(1, 2)
      #expect(answered.map(\.requestID) == [1, 2])
      let waits = try await hanging.said { _ in true }
      #expect(waits.isEmpty, "\(waits)")
    }
    try await TestService.run({ $0.hookTimeout = .milliseconds(300) }, hooks: [hook]) { service in
      let client = try await service.client()
      try await client.ask(1, .create("a", "hang"))
      let said = try await client.ended(1)
      #expect(said == [.end(1, "HOOK_TIMEOUT")], "\(said)")
      // Where other tests keep the threads of tasks, a hook that does nothing may be late as well.
      var last: Said?
      for id in 2...UInt64(1000) {
        try await client.ask(id, .create("b", "after"))
        last = try await client.ended(id).last
        if last != .end(id, "HOOK_TIMEOUT") { break }
      }
      guard case .answer(_, "after", 1)? = last else {
        Issue.record("\(String(describing: last))")
        return
      }
    }
    for continuation in stuck.withLock({ $0 }) { continuation.resume() }
  }

  @Test func `where the stored row changes meanwhile the hook is asked again`() async throws {
    let gate = Gate()
    let hook = Hook { write in
      if write.caller.clientID == "slow" { await gate.pass() }
      let stars = write.stored?["stars"]?.integer ?? 0
      write.row?["stars"] = .int64(stars + 1)
    }
    try await TestService.run(hooks: [hook]) { service in
      let slow = try await service.client("slow")
      let quick = try await service.client("quick")
      try await quick.ask(1, .create("a", "one"))
      try await quick.ended(1)
      try await slow.ask(1, .replace("a", "slow"))
      await gate.arrived(1)
      // Decided on the row that is there, and written before the slow one.
      try await quick.ask(2, .replace("a", "quick"))
      try await quick.ended(2)
      gate.open()
      try await slow.ended(1)
      let seen = hook.seen.withLock { $0 }
      let stored = seen.filter { $0.proposed == "slow" }.map { $0.stored ?? "" }
      #expect(stored == ["one", "quick"])
      let table = Fixture.notes
      let stars = try await withCheckedThrowingContinuation { continuation in
        service.storage.read(
          .table(table.id),
          { snapshot throws(DatasyncError) -> Value? in
            try snapshot.row("a", in: table).map {
              RowDecoder.values(of: $0.row.image, table: table)[6]
            }
          },
          completion: { continuation.resume(with: $0.mapError { $0 as any Error }) })
      }
      #expect(stars == .int64(3))
    }
  }

  @Test func `what is in vain, or was done before, is shown to no hook`() async throws {
    let hook = Hook()
    try await TestService.run(hooks: [hook]) { service in
      let client = try await service.client()
      let once = Request.write(
        WriteMessage(write: Request.write("a", "one").write, mutationID: "m"))
      try await client.ask(1, once, once, .create("a", "again"), .delete("nothing"))
      let said = try await client.ended(1, 2, 3, 4)
      #expect(
        said == [
          .answer(1, "one", 1), .answer(2, "one", 1), .end(3, "ROW_EXISTS"),
          .end(4, "ROW_NOT_FOUND"),
        ], "\(said)")
      #expect(hook.seen.withLock { $0.count } == 1)
    }
  }

  @Test func `within a commit a hook sees what came before it`() async throws {
    let hook = Hook { write in
      if write.stored?["title"] == "two" { throw WriteRefusal("enough") }
    }
    try await TestService.run(hooks: [hook]) { service in
      let client = try await service.client()
      let replace = { (title: String) -> WriteMessage in
        guard case .write(let message) = Request.replace("a", title) else { fatalError() }
        return message
      }
      try await client.ask(
        1, .commit(Request.write("a", "one"), replace("two")),
        .commit(replace("three"), Request.write("b", "x")), .query())
      let said = try await client.ended(1, 2, 3)
      #expect(
        said == [.answer(1, "2 writes", 2), .end(2, "WRITE_REFUSED"), .answer(3, "1 rows", 0)],
        "\(said)")
      #expect(hook.titles == [nil, "one", "two"])
    }
  }

  @Test func `a client that goes away takes its hooks' writes along`() async throws {
    let gate = Gate()
    let hook = Hook { _ in await gate.pass() }
    try await TestService.run(hooks: [hook]) { service in
      let client = try await service.client()
      try await client.ask(1, .create("a", "one"), .create("b", "two"))
      await gate.arrived(1)
      #expect(try await client.cancel(1))
      await gate.arrived(2)
      try await client.onLoop { $0.operations.abandon() }
      gate.open()
      let other = try await service.client("other")
      try await other.ask(1, .query())
      let said = try await other.ended(1)
      #expect(said == [.answer(1, "0 rows", 0)])
    }
  }
}

private let stuck = Mutex<[UnsafeContinuation<Void, Never>]>([])

/// Stops those that pass until it is opened. Sendable.
private final class Gate: Sendable {
  private struct State {
    var isOpen = false
    var count = 0
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Mutex(State())

  func pass() async {
    await withCheckedContinuation { continuation in
      let isOpen = state.withLock { state in
        state.count += 1
        if !state.isOpen { state.waiting.append(continuation) }
        return state.isOpen
      }
      if isOpen { continuation.resume() }
    }
  }

  func arrived(_ count: Int) async {
    while state.withLock({ $0.count < count }) { try? await Task.sleep(for: .milliseconds(1)) }
  }

  func open() {
    let waiting = state.withLock { state in
      state.isOpen = true
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }
}
