import DatasyncAccess
import DatasyncMessages
import DatasyncModel
import DatasyncProtobuf
import DatasyncRPC
import NIOCore

/// One operation as a call of its own: unary, or a server stream of events. Loop-bound.
///
/// What differs between the contract's service and the tables' typed ones is ``UnaryCoding``.
final class UnaryCall: CallHandler, CallSink {
  static let requestID: UInt64 = 1

  let call: ServerCall
  private let loop: ServiceLoop
  private let coding: any UnaryCoding
  let operations: Operations
  private(set) var isEnded = false
  private var expiry: Scheduled<Void>?

  init(call: ServerCall, loop: ServiceLoop, coding: any UnaryCoding) {
    self.call = call
    self.loop = loop
    self.coding = coding
    let clientID = call.metadata["datasync-client-id"] ?? ""
    operations = Operations(
      loop: loop, caller: Caller(clientID: clientID, turn: call.connectionNumber),
      ownTable: coding.ownTable)
    operations.sink = self
  }

  func received(_ message: ByteBuffer, wasCompressed: Bool) {
    if let fault = Caller.fault(inClientID: operations.caller.clientID) {
      return finish(
        0, error: .badField("datasync-client-id", reason: "BAD_CLIENT_ID", fault))
    }
    let request: Request
    do {
      request = try message.withUnsafeReadableBytes { try coding.decode($0, loop.decoder) }
    } catch MessageArena.Fault.tooLarge {
      return finish(0, error: .messageTooLarge)
    } catch {
      let problem = "the request is no \(coding.requestName), or holds text that is not UTF-8"
      guard call.malformedMessageCode == .internal else {
        return finish(
          0, error: DatasyncError(.invalidArgument, reason: "MALFORMED_MESSAGE", problem))
      }
      return end(Status(.internal, problem))
    }
    do throws(CredentialFault) {
      try operations.identify(call)
    } catch {
      return finish(0, error: error.error)
    }
    let bytes = loop.decoder.decodedBytes
    let isCounted = bytes >= ServerCall.leastCountedBytes
    if isCounted, let limit = call.hold(bytes) { return finish(0, error: .requestBytes(limit)) }
    if coding.isServerStreaming { call.sendInitialMetadata(Metadata()) }
    operations.start(request, id: UnaryCall.requestID)
    if coding.isServerStreaming || request.waits { liveOn() }
    // What a subscription keeps is counted elsewhere.
    if isCounted, coding.isServerStreaming { call.release(bytes) }
  }

  /// What waits outside of a session ends with its credentials: nobody can show others.
  private func liveOn() {
    guard !isEnded, loop.requests.access != nil else { return }
    loop.credentialHolders.insert(self)
    guard let expiresAt = operations.caller.credential?.expiresAt else { return }
    let left = max(0, expiresAt - WallClock.now)
    let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
    expiry = loop.eventLoop.scheduleTask(in: .microseconds(left)) {
      bound.value.finish(0, error: CredentialFault(.expired, "").error)
    }
  }

  func halfClosed() {}

  func cancelled(_ cause: CancellationCause) {
    isEnded = true
    expiry?.cancel()
    loop.credentialHolders.remove(self)
    operations.abandon()
  }

  func serverEnding(_ ended: @escaping () -> Void) {
    operations.endWrites(ended)
  }

  func drained() {
    if !isEnded { operations.drained() }
  }

  func requestEnded() {}

  // MARK: - Out

  var isTyped: Bool { coding.ownTable != nil }

  func answer(_ requestID: UInt64, _ response: Response) {
    guard !isEnded else { return }
    switch coding.encode(response, loop.encoder) {
    case .failure(let error):
      finish(requestID, error: error)
    case .success(let message):
      call.send { $0.writeBytes(message) }
      end(.ok, trailers: trailers(of: response))
    }
  }

  /// What a typed answer has no field for: the sequence of a write.
  private func trailers(of response: Response) -> Metadata {
    var trailers = Metadata()
    if isTyped, case .write(let reply) = response {
      trailers.add("datasync-sequence", String(reply.sequence.rawValue))
    }
    return trailers
  }

  func finish(_ requestID: UInt64, error: DatasyncError?) {
    loop.note(error)
    end(error.map { Status($0, encoder: loop.encoder) } ?? .ok)
  }

  private func end(_ status: Status, trailers: Metadata = Metadata()) {
    guard !isEnded else { return }
    isEnded = true
    expiry?.cancel()
    loop.credentialHolders.remove(self)
    operations.abandon()
    call.finish(status, trailers: trailers)
  }

  func form(for requestID: UInt64) -> EventForm { isTyped ? .rowEvent : .event }
}

extension UnaryCall: CredentialHolder {
  func accessChanged() {
    guard !isEnded else { return }
    do throws(CredentialFault) {
      try operations.judgeAnew()
    } catch {
      loop.log.credentialsRefused(error.kind.rawValue, because: error.cause)
      finish(0, error: error.error)
    }
  }
}

extension Request {
  /// Whether its answer may be minutes away.
  fileprivate var waits: Bool { if case .changes = self { true } else { false } }
}

/// How one method's messages are read and written. Sendable: one value serves all calls.
protocol UnaryCoding: Sendable {
  var ownTable: Table? { get }
  var requestName: String { get }
  var isServerStreaming: Bool { get }
  /// As the contract says; what has none may be asked for with GET.
  var hasSideEffects: Bool { get }
  func decode(_ bytes: UnsafeRawBufferPointer, _ decoder: RequestDecoder) throws -> Request
  func encode(_ response: Response, _ encoder: ResponseEncoder) -> Result<[UInt8], DatasyncError>
}
