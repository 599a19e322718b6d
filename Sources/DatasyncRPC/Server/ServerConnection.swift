import DatasyncHTTP1
import DatasyncHTTP2
import Logging
import NIOCore

/// A client's connection: makes calls of its streams. Loop-bound.
final class ServerConnection: HTTP2ConnectionDelegate {
  /// Of this connection alone, in the process.
  let id = SerialNumber.next()
  private(set) var counts = CallCounts()
  private let sharedOptions: Shared<RPCOptions>
  var options: RPCOptions { _read { yield sharedOptions.value } }
  let registry: ServiceRegistry
  let eventLoop: any EventLoop
  private let turns: TurnQueue
  private let logger: Logger
  var peer: Peer
  private(set) var link = ServerLink.none
  private let sharedHTTP2Options: Shared<HTTP2Options>
  /// Set until it is known what is spoken.
  weak var gate: (any ConnectionGate)?
  private let onClose: (ServerConnection) -> Void
  /// Calls that the current read brought.
  private var unsettled: [ServerCall] = []
  /// What the turn at hand has cost.
  private var turnCost = 0
  /// Calls that have messages to deliver in the next turn, in order.
  private var postponed: [ServerCall] = []
  /// What its client has sent and its calls are not done with.
  private(set) var requestBytes = 0 {
    didSet { requestShare?.report(requestBytes) }
  }
  private var requestShare: BudgetShare?
  private var known: KnownHead?
  /// Whether every call is ended, and then the connection.
  private var isEnding = false

  init(
    options: Shared<RPCOptions>, http2: Shared<HTTP2Options>, registry: ServiceRegistry, peer: Peer,
    eventLoop: any EventLoop, turns: TurnQueue, logger: Logger,
    onClose: @escaping (ServerConnection) -> Void
  ) {
    sharedOptions = options
    requestShare = options.value.requestBudget.map { BudgetShare($0) }
    self.registry = registry
    self.peer = peer
    self.eventLoop = eventLoop
    self.turns = turns
    self.logger = logger
    self.onClose = onClose
    sharedHTTP2Options = http2
  }

  /// HTTP/2 begins: until its end, each of the two holds the other.
  func speak(sendingWith pumpQueue: PumpQueue?, writesToSocket: Bool) -> HTTP2Connection {
    let http2 = HTTP2Connection(role: .server, options: sharedHTTP2Options)
    link = .http2(http2)
    http2.delegate = self
    http2.pumpQueue = pumpQueue
    http2.writesToSocket = writesToSocket
    // With TLS, ALPN has settled what is spoken.
    http2.awaitsPreface = gate == nil && options.tls == nil
    return http2
  }

  /// HTTP/1 begins, as above.
  func speakHTTP1() -> HTTP1Connection {
    let http1 = HTTP1Connection(
      options: sharedHTTP2Options, scheme: options.tls == nil ? "http" : "https")
    link = .http1(http1)
    http1.delegate = self
    return http1
  }

  // MARK: - Streams

  func streamOpened(_ stream: HTTP2Stream) {
    if let limit = stream.exceededHeaderLimit {
      if let web = options.web, takeWeb(.http2(stream), web) { return }
      ResponseWriter.refuse(
        .http2(stream),
        .status(
          Status(.resourceExhausted, "the request's headers are too long (\(limit.rawValue))")))
      return
    }
    if let known, known.number == stream.headNumber, known.generation == registry.generation {
      return start(.http2(stream), known.opening)
    }
    // What is known is gRPC.
    if let web = options.web, takeWeb(.http2(stream), web) { return }
    let generation = registry.generation
    switch RequestHeadParser.parse(stream.head, routes: options.routes) {
    case .refused(let refusal):
      ResponseWriter.refuse(.http2(stream), refusal)
    case .page(let answer, let isHeadOnly):
      AnswerExchange.start(.http2(stream), answer, isHeadOnly: isHeadOnly)
    case .call(let head):
      guard let route = registry.route(path: head.path) else {
        ResponseWriter.refuse(.http2(stream), .status(unknownMethod(head.path)))
        return
      }
      let opening = CallOpening(head: head, route: route)
      known =
        stream.headNumber == 0
        ? nil : KnownHead(number: stream.headNumber, opening: opening, generation: generation)
      start(.http2(stream), opening)
    }
  }

  /// What the head remembered by the connection says.
  private struct KnownHead {
    /// ``HTTP2Stream/headNumber``.
    let number: Int
    let opening: CallOpening
    let generation: Int
  }

  /// - Parameter exchange: Who stands between the stream and the call, where anybody does.
  func start(
    _ stream: ServerStream, _ opening: CallOpening,
    exchange: ((ServerCall) -> any ServerStreamDelegate)? = nil
  ) {
    counts.started(now: link.now)
    let call = ServerCall(
      connection: self, stream: stream, opening: opening,
      deadline: opening.head.timeout.map { eventLoop.now + $0 })
    stream.delegate = exchange.map { $0(call) } ?? call
    if call.deadline != nil { unsettled.append(call) }
    if !opening.route.method.isClientStreaming, !stream.isRemoteEnded { stream.awaitsBytes = true }
    call.handler = opening.route.method.handler(call)
    // Finished already: nothing more may reach the handler.
    if call.answer == .finished { call.letGo() }
    if isEnding { call.end(inOrder: ServerConnection.ending) }
  }

  private func unknownMethod(_ path: String) -> Status {
    let service = path.dropFirst().split(separator: "/").dropLast().joined(separator: "/")
    return Status(
      .unimplemented,
      registry.hasService(service) ? "unknown method \(path)" : "unknown service \(service)")
  }

  /// The call is looked at again when the current read is done.
  func settleLater(_ call: ServerCall) {
    if unsettled.last !== call { unsettled.append(call) }
  }

  // MARK: - Turns

  /// A connection's turn, in small messages: what has come beyond that waits until others on the event
  /// loop have had theirs.
  private static let turn = 256

  var isTurnOver: Bool { turnCost >= ServerConnection.turn }

  /// A message is about to be delivered.
  ///
  /// - Returns: For ``tookTurn(since:bytes:)``; nil where it is a small one.
  func takeTurn(_ bytes: Int) -> NIODeadline? {
    turnCost += 1
    return bytes < ServerConnection.small ? nil : .now()
  }

  /// A long one may be as much work as many, beyond what its length says.
  func tookTurn(since start: NIODeadline, bytes: Int) {
    let time = (NIODeadline.now() - start).nanoseconds / ServerConnection.timeOfSmall
    turnCost += max(bytes >> 6, Int(clamping: time))
  }

  private static let small = 1024
  /// What a small message takes, in nanoseconds, about.
  private static let timeOfSmall: Int64 = 4_000

  func postpone(_ call: ServerCall) {
    guard !call.isPostponed else { return }
    call.isPostponed = true
    postponed.append(call)
    if postponed.count == 1 { turns.append { [self] in nextTurn() } }
  }

  /// Delivers what was postponed, as far as one turn goes.
  func nextTurn() {
    turnCost = 0
    let calls = postponed
    postponed.removeAll(keepingCapacity: calls.count <= 128)
    for call in calls { call.isPostponed = false }
    for call in calls {
      if let delegate = call.stream?.delegate, delegate !== call {
        delegate.deliver()
      } else {
        call.deliverMessages()
      }
      call.countHeld()
    }
    readCompleted()
  }

  func readCompleted() {
    if postponed.isEmpty { turnCost = 0 }
    guard !unsettled.isEmpty else { return }
    for call in unsettled { call.settle() }
    unsettled.removeAll(keepingCapacity: true)
  }

  // MARK: - Requests' bytes

  func requestBytesChanged(by bytes: Int) {
    requestBytes += bytes
  }

  /// The limit that so many bytes more would pass.
  func requestLimit(adding bytes: Int) -> Limit? {
    let bytes = requestBytes + bytes
    if bytes > options.maxRequestBytesPerConnection { return .requestBytesOfConnection }
    let isExhausted = requestShare?.budget.isExhausted ?? false
    return isExhausted && bytes > options.http2.bufferedBytesShare ? .requestBytes : nil
  }

  /// Whether calls had better finish some requests before they read more.
  var isRequestBytesHigh: Bool {
    requestBytes > options.maxRequestBytesPerConnection / 4 || requestLimit(adding: 0) != nil
  }

  // MARK: - Calls

  func callFinished(_ status: Status) {
    counts.finished(status)
    if isEnding { closeWhenCallsAreOver() }
    if status.details.count > Status.maxDetailsBytes {
      logger.debug(
        "status details are too long and left out",
        metadata: ["code": "\(status.code.rawValue)", "bytes": "\(status.details.count)"])
    }
  }

  private var calls: [ServerCall] { link.streams.compactMap { $0.delegate?.call } }

  // MARK: - The end

  func drainStarted(timeLeft: TimeAmount) {
    for call in calls { call.handler?.serverDraining(timeLeft: timeLeft) }
  }

  func graceEnded() {
    close()
  }

  /// Takes no new calls, and closes when those that run are over; the server aborts them when their
  /// time is up.
  func drain(timeLeft: TimeAmount) {
    if let gate { return gate.close() }
    link.beginDrain(reason: "shutting_down", grace: timeLeft)
  }

  /// Ends every call, as each has answered what it had begun, and then the connection.
  func close() {
    if let gate { return gate.close() }
    guard !isEnding else { return }
    isEnding = true
    for call in calls { call.end(inOrder: ServerConnection.ending) }
    closeWhenCallsAreOver()
  }

  private static let ending = Status(.unavailable, "the server is shutting down")

  private func closeWhenCallsAreOver() {
    guard !calls.contains(where: { $0.isOpen || $0.isWriting }) else { return }
    // Behind the last call's status, which is about to be sent.
    eventLoop.assumeIsolated().execute { [self] in link.close(reason: "shutting_down") }
  }

  func connectionClosed() {
    counts.endAll()
    onClose(self)
  }
}
