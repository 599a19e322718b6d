import DatasyncModel
import DatasyncStorage
import DatasyncStorageTesting
import Logging
import NIOCore
import NIOPosix
import Synchronization

@testable import DatasyncMessages
@testable import DatasyncServer

/// A service loop that a store in memory tells of its batches, and clients of it; no sockets. Sendable.
final class TestService: Sendable {
  /// Hands batches to the loop, as ``CommitHub`` does, and may keep the writer waiting.
  private final class Delivery: StorageObserver {
    let loop = Mutex<NIOLoopBound<ServiceLoop>?>(nil)
    let holds = Atomic(false)

    func batchCommitted(_ batch: CommittedBatch) -> Bool {
      if let loop = loop.withLock({ $0 }) {
        loop.eventLoop.execute { _ = loop.value.deliver(batch) }
      }
      return holds.load(ordering: .relaxed)
    }

    func catalogChanged(_ catalog: Catalog) {}
  }

  let storage: MemoryStorage
  let loop: NIOLoopBound<ServiceLoop>
  private let delivery: Delivery

  private init(
    _ storage: MemoryStorage, _ loop: NIOLoopBound<ServiceLoop>, _ delivery: Delivery
  ) {
    self.storage = storage
    self.loop = loop
    self.delivery = delivery
  }

  static func run<Result: Sendable>(
    _ configure: @escaping @Sendable (inout ServiceOptions) -> Void = { _ in },
    hooks: [any WriteHook] = [], _ body: (TestService) async throws -> Result
  ) async throws -> Result {
    let delivery = Delivery()
    var memory = MemoryOptions(catalog: Catalog(tables: [Fixture.notes], generation: 1))
    memory.gatheringTime = .seconds(60)
    let storage = MemoryStorage(memory, observer: delivery)
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let eventLoop = group.next()
    let loop = try await eventLoop.submit {
      var options = ServiceOptions()
      // Hooks run where all tests do, and wait for those that keep the threads.
      options.hookTimeout = .minutes(4)
      configure(&options)
      return NIOLoopBound(
        ServiceLoop(
          index: 0, eventLoop: eventLoop, store: storage, head: storage.head, options: options,
          logger: Logger(label: "test"),
          hooks: hooks.isEmpty
            ? nil
            : HookSet(
              hooks, options: options, log: ServiceLog(logger: Logger(label: "test")))),
        eventLoop: eventLoop)
    }.get()
    delivery.loop.withLock { $0 = loop }
    let result: Swift.Result<Result, any Error>
    do {
      result = .success(try await body(TestService(storage, loop, delivery)))
    } catch {
      result = .failure(error)
    }
    delivery.holds.store(false, ordering: .relaxed)
    storage.close()
    try await group.shutdownGracefully()
    return try result.get()
  }

  /// Whether the writer waits after its next batch, until this is taken back.
  func holdWriter(_ holds: Bool) {
    delivery.holds.store(holds, ordering: .relaxed)
    if !holds { storage.resumeWriting() }
  }

  func client(_ id: String = "client") async throws -> TestClient {
    let loop = loop
    return try await loop.eventLoop.submit {
      let operations = Operations(loop: loop.value, caller: Caller(clientID: id, turn: 1))
      let stream = FakeStream(operations)
      operations.sink = stream
      return TestClient(NIOLoopBound(stream, eventLoop: loop.eventLoop))
    }.get()
  }
}

/// A client's stream: keeps what is said. Loop-bound.
final class FakeStream: ResponseSink {
  let operations: Operations
  private(set) var said: [Said] = []
  var isOpen = true
  /// How many events it still takes.
  var room = Int.max
  var isWritable: Bool { isOpen && room > 0 }
  let isTyped = false
  private var waiting: [(isSo: ([Said]) -> Bool, promise: EventLoopPromise<[Said]>)] = []

  init(_ operations: Operations) {
    self.operations = operations
  }

  /// What was said, once it is so.
  func whenSaid(_ isSo: @escaping ([Said]) -> Bool) -> EventLoopFuture<[Said]> {
    let eventLoop = operations.loop.eventLoop
    let promise = eventLoop.makePromise(of: [Said].self)
    waiting.append((isSo, promise))
    look()
    let silence = TestSilence(said: said.suffix(20).map { "\($0)" })
    let deadline = eventLoop.scheduleTask(in: .seconds(20)) { promise.fail(silence) }
    promise.futureResult.whenComplete { _ in deadline.cancel() }
    return promise.futureResult
  }

  private func look() {
    let ready = waiting.filter { $0.isSo(said) }
    waiting.removeAll { $0.isSo(said) }
    for entry in ready { entry.promise.succeed(said) }
  }

  private func say(_ words: Said...) {
    said += words
    look()
  }

  // MARK: - Answers

  func answer(_ requestID: UInt64, _ response: Response) {
    switch response {
    case .write(let reply):
      say(
        .answer(
          requestID, reply.entity.map { Fixture.title(of: $0.image) } ?? "", reply.sequence.rawValue
        ))
    case .commit(let replies, _):
      say(.answer(requestID, "\(replies.count) writes", replies.last?.sequence.rawValue ?? 0))
    case .get(.row(let entity)): say(.answer(requestID, Fixture.title(of: entity.image), 0))
    case .get(.notModified): say(.answer(requestID, "not modified", 0))
    case .query(let reply): say(.answer(requestID, "\(reply.rows.count) rows", 0))
    case .changes(let reply): say(.answer(requestID, "\(reply.changes.count) changes", 0))
    case .describe(let tables, _): say(.answer(requestID, "\(tables.count) tables", 0))
    case .open: say(.answer(requestID, "open", 0))
    case .authenticate(let principal, _): say(.answer(requestID, principal, 0))
    }
  }

  func finish(_ requestID: UInt64, error: DatasyncError?) {
    say(.end(requestID, error?.reason ?? ""))
  }

  func requestEnded() {}

  // MARK: - Events

  func awaitDrain(_ subscription: Subscription) { operations.awaitDrain(subscription) }

  func sharedForm(for requestID: UInt64) -> EventForm? { .session(requestID: requestID) }

  func send(framed bytes: ByteBuffer, messageCount: Int) {
    said += Said.events(in: bytes)
    room -= messageCount
    look()
  }

  func send(_ event: EncodedEvent, own: Bool, more: Bool, for requestID: UInt64) {
    var buffer = ByteBuffer()
    EventFrame.appendMessage(
      .session(requestID: requestID), event, own: own, more: more, to: &buffer)
    send(framed: buffer, messageCount: 1)
  }

  func send(checkpoint: [UInt8], for requestID: UInt64) {
    var buffer = ByteBuffer()
    EventFrame.appendMessage(.session(requestID: requestID), checkpoint: checkpoint, to: &buffer)
    send(framed: buffer, messageCount: 1)
  }

  func subscriptionEnded(_ requestID: UInt64, error: DatasyncError?) {
    operations.finish(requestID, error: error)
  }
}

/// Nothing came of what a test waits for. A value.
struct TestSilence: Error {
  let said: [String]
}

/// A client of a ``TestService``, from any thread. Sendable.
struct TestClient: Sendable {
  private let stream: NIOLoopBound<FakeStream>

  init(_ stream: NIOLoopBound<FakeStream>) {
    self.stream = stream
  }

  /// Runs the body on the loop, in one tick.
  func onLoop<Result: Sendable>(
    _ body: @escaping @Sendable (FakeStream) throws -> Result
  ) async throws -> Result {
    try await stream.eventLoop.submit { [stream] in try body(stream.value) }.get()
  }

  /// Sends requests in one tick; their ids count from the first.
  func ask(_ first: UInt64, _ requests: Request...) async throws {
    try await onLoop { stream in
      for (id, request) in zip(first..., requests) { stream.operations.start(request, id: id) }
    }
  }

  /// - Returns: Whether it was running.
  func cancel(_ id: UInt64) async throws -> Bool {
    try await onLoop { $0.operations.cancel(id) }
  }

  /// The stream takes no more, or takes more again.
  func setWritable(_ isWritable: Bool) async throws {
    try await onLoop { stream in
      stream.isOpen = isWritable
      stream.room = .max
      if isWritable { stream.operations.drained() }
    }
  }

  /// What was said, once it is so.
  @discardableResult
  func said(_ isSo: @escaping @Sendable ([Said]) -> Bool) async throws -> [Said] {
    try await stream.eventLoop.flatSubmit { [stream] in stream.value.whenSaid(isSo) }.get()
  }

  /// What was said once requests have had their last word.
  @discardableResult
  func ended(_ ids: UInt64...) async throws -> [Said] {
    try await said { said in
      ids.allSatisfy { id in said.contains { $0.requestID == id && $0.isLastWord } }
    }
  }

  /// What was said once a subscription has said that it is current.
  @discardableResult
  func current(_ id: UInt64) async throws -> [Said] {
    try await said { said in
      said.contains { if case .checkpoint(id, let at) = $0 { at.isCurrent } else { false } }
    }
  }

  /// What was said once a subscription has said that it has come so far.
  @discardableResult
  func reached(_ sequence: UInt64, _ id: UInt64) async throws -> [Said] {
    try await said { said in
      said.contains {
        if case .checkpoint(id, let at) = $0 { at.sequence >= sequence } else { false }
      }
    }
  }
}

// MARK: - Requests for notes

extension Request {
  static func create(_ key: String, _ title: String) -> Request { .write(write(key, title)) }

  private static func entity(_ key: String, _ title: String) -> Entity {
    Entity(
      messageName: Fixture.notes.messageName, bytes: Fixture.row(key, title: title).bytes)
  }

  static func write(_ key: String, _ title: String) -> WriteMessage {
    WriteMessage(write: .create(entity(key, title)), mutationID: "")
  }

  static func replace(_ key: String, _ title: String) -> Request {
    .write(
      WriteMessage(
        write: .replace(
          entity(key, title),
          WriteOptions(ifVersion: 0, allowMissing: true, includeDeleted: true)), mutationID: ""))
  }

  static func delete(_ key: String) -> Request {
    .write(
      WriteMessage(write: .delete(table: "notes", id: key, ifVersion: 0), mutationID: ""))
  }

  static func commit(_ writes: WriteMessage...) -> Request {
    .commit(CommitMessage(writes: writes, mutationID: ""))
  }

  static func get(_ key: String) -> Request {
    .get(GetRequest(table: "notes", id: key, includeDeleted: false, select: [], unlessVersion: 0))
  }

  static func query(_ filter: String = "") -> Request {
    .query(
      QueryRequest(
        table: "notes", filter: filter, orderBy: "", select: [], skip: 0, top: 0, pageSize: 100,
        pageToken: "", count: false, includeDeleted: false))
  }

  static func poll(after token: String) -> Request {
    .changes(
      ChangesRequest(
        table: "notes", filter: "", resumeToken: token,
        maxWait: DurationMessage(seconds: 60, nanos: 0), maxChanges: 0, select: [],
        includeDeleted: false, previous: false, excludeOwn: false))
  }

  static func subscribe(
    _ start: SubscribeRequest.Start = .now, filter: String = "", minInterval: Int32 = 0
  ) -> Request {
    .subscribe(
      SubscribeRequest(
        table: "notes", filter: filter, select: [], includeDeleted: false, start: start,
        once: false, excludeOwn: false, previous: false,
        minInterval: minInterval == 0
          ? nil : DurationMessage(seconds: 0, nanos: minInterval * 1_000_000),
        heartbeatInterval: nil))
  }
}
