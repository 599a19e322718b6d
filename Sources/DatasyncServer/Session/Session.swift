import DatasyncAccess
import DatasyncMessages
import DatasyncModel
import DatasyncProtobuf
import DatasyncRPC
import DatasyncStorage
import NIOCore

/// One client's whole stream: requests in, answers and events out. Loop-bound.
///
/// Source: `proto/datasync/v1/datasync.proto`, rpc `Session`.
final class Session: CallHandler, CallSink {
  let call: ServerCall
  let loop: ServiceLoop
  let operations: Operations
  private let sessionID = RandomID.make()
  private var mayOpen = true
  private var malformedCount = 0
  private var isHalfClosed = false
  private var isPaused = false
  private(set) var isEnded = false
  /// What the call has counted of requests that are not small, by their ids.
  private var heldBytes: [UInt64: Int] = [:]
  /// Of what the credentials bring next.
  var credentialTimer: Scheduled<Void>?
  /// Whether what it has shown is taken no more, and the session ends soon.
  var isRevoked = false
  /// Whether it ends before it has begun, and hears nothing any more.
  private var isRefused = false
  /// By what the session is counted.
  var countedBy: [SessionCounts.Kind: SessionCounts.Key] = [:]

  init(call: ServerCall, loop: ServiceLoop) {
    self.call = call
    self.loop = loop
    operations = Operations(
      loop: loop, caller: Caller(clientID: RandomID.make(), turn: loop.makeTurn()))
    operations.sink = self
    loop.metrics.sessionsChanged(by: 1)
    guard identify() else {
      isRefused = true
      return
    }
    if loop.requests.access != nil { loop.credentialHolders.insert(self) }
    // The client learns that the stream stands before it says anything.
    call.sendInitialMetadata(Metadata())
  }

  // MARK: - In

  func received(_ message: ByteBuffer, wasCompressed: Bool) {
    guard !isEnded, !isRefused else { return }
    let request: SessionRequest
    do {
      request = try message.withUnsafeReadableBytes { try loop.decoder.sessionRequest($0) }
    } catch MessageArena.Fault.tooLarge {
      return send(status: .messageTooLarge, for: 0)
    } catch {
      return malformed()
    }
    accept(request)
    pauseWhenFull()
  }

  /// Takes its turn as any other: whoever does not read the answers is not read from.
  func receivedUnreadable(answer: ByteBuffer) {
    guard !isEnded, !isRefused else { return }
    loop.note(.malformedMessage)
    call.send(answer)
    pauseWhenFull()
  }

  private func malformed() {
    malformedCount += 1
    guard malformedCount <= loop.options.maxMalformedMessages else {
      let error = DatasyncError.tooManyMalformedMessages(loop.options.maxMalformedMessages)
      loop.note(error)
      return call.end(inOrder: Status(error, encoder: loop.encoder))
    }
    send(status: .malformedMessage, for: 0)
  }

  private func accept(_ request: SessionRequest) {
    let id = request.requestID
    let isFirst = mayOpen
    if isFirst { noteBeginning(request) }
    guard id != 0 else { return send(status: .badRequestID, for: 0) }
    guard !operations.isRunning(id) else { return send(status: .requestIDInUse(id), for: 0) }
    switch request.request {
    case nil:
      finish(id, error: .emptyRequest)
    case .open(let clientID):
      open(clientID, id: id, isFirst: isFirst)
    case .authenticate(let token):
      authenticate(token, id: id)
    case .cancel(let target):
      let wasRunning = operations.cancel(target)
      finish(id, error: wasRunning ? nil : .requestNotFound(target))
    case .some(let request):
      let bytes = loop.decoder.decodedBytes
      if bytes >= ServerCall.leastCountedBytes {
        if let limit = call.hold(bytes) { return finish(id, error: .requestBytes(limit)) }
        heldBytes[id] = bytes
      }
      operations.start(request, id: id)
      // What it keeps is counted elsewhere.
      if case .subscribe = request { release(id) }
    }
    endWhenDone()
  }

  /// Until it is known who asks, nothing is begun.
  private func noteBeginning(_ request: SessionRequest) {
    if case .authenticate? = request.request { return }
    if operations.isIdentified { mayOpen = false }
  }

  private func open(_ clientID: String, id: UInt64, isFirst: Bool) {
    do throws(DatasyncError) {
      try operations.checkCredentials()
    } catch {
      return finish(id, error: error)
    }
    guard isFirst else { return finish(id, error: .sessionAlreadyOpen) }
    if let fault = Caller.fault(inClientID: clientID) {
      return finish(id, error: .badField("client_id", reason: "BAD_CLIENT_ID", fault))
    }
    if !clientID.isEmpty { operations.caller.clientID = clientID }
    answer(
      id,
      .open(
        OpenReply(
          sessionID: sessionID, clientID: operations.caller.clientID, historyID: loop.historyID,
          sequence: loop.store.head, serverTime: WallClock.now,
          principal: operations.caller.principal,
          expiresAt: operations.caller.credential?.expiresAt)))
  }

  func halfClosed() {
    isHalfClosed = true
    endWhenDone()
  }

  func cancelled(_ cause: CancellationCause) {
    noteEnd()
    operations.abandon()
  }

  func serverEnding(_ ended: @escaping () -> Void) {
    operations.endWrites(ended)
  }

  private func noteEnd() {
    guard !isEnded else { return }
    isEnded = true
    credentialTimer?.cancel()
    loop.credentialHolders.remove(self)
    for key in countedBy.values { loop.sessionCounts.leave(key) }
    countedBy = [:]
    loop.metrics.sessionsChanged(by: -1)
  }

  func drained() {
    guard !isEnded else { return }
    // What comes in goes first: whatever waits to be sent may fill the stream again at once.
    resumeWhenRoom()
    operations.drained()
  }

  func serverDraining(timeLeft: TimeAmount) {
    guard !isEnded else { return }
    loop.encoder.session(
      notice: NoticeReply(kind: .serverDraining, timeLeft: max(0, timeLeft.nanoseconds)), write)
  }

  // MARK: - Flow

  /// Too many requests at once are not refused: the session stops reading until answers have gone
  /// out.
  private func pauseWhenFull() {
    guard !isPaused, isFull || !call.isWritable else { return }
    isPaused = true
    call.pauseReading()
  }

  private var isFull: Bool {
    operations.inFlight >= loop.options.maxRequestsInFlight
      || (!heldBytes.isEmpty && call.holdsMuch)
  }

  private func release(_ requestID: UInt64) {
    guard !heldBytes.isEmpty, let bytes = heldBytes.removeValue(forKey: requestID) else { return }
    call.release(bytes)
  }

  private func resumeWhenRoom() {
    guard isPaused, !isEnded, !isFull, call.isWritable else { return }
    isPaused = false
    call.resumeReading()
  }

  func requestEnded() {
    resumeWhenRoom()
    endWhenDone()
  }

  /// Half-close ends nothing that runs; once nothing runs, the call ends.
  private func endWhenDone() {
    if isHalfClosed, !isRefused, operations.isIdle { end(.ok) }
  }

  func end(_ status: Status) {
    guard !isEnded else { return }
    noteEnd()
    operations.abandon()
    call.finish(status)
  }

  // MARK: - Out

  var isTyped: Bool { false }

  func write(_ bytes: UnsafeRawBufferPointer) {
    guard !isEnded else { return }
    call.send { $0.writeBytes(bytes) }
  }

  func answer(_ requestID: UInt64, _ response: Response) {
    release(requestID)
    loop.encoder.session(requestID, response, write)
  }

  func finish(_ requestID: UInt64, error: DatasyncError?) {
    release(requestID)
    send(status: error, for: requestID)
  }

  private func send(status: DatasyncError?, for requestID: UInt64) {
    loop.note(status)
    loop.encoder.session(requestID, status: status, write)
  }

  func form(for requestID: UInt64) -> EventForm { .session(requestID: requestID) }
}
