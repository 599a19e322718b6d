import CDatasyncGRPCMessages
import DatasyncProtobuf
package import DatasyncRPC
import NIOCore
import Synchronization

/// grpc.health.v1.Health: whether the server and its services take calls. Sendable.
///
/// Source: `proto/grpc/health/v1/health.proto`, grpc/doc/health-checking.md.
package final class HealthService: Sendable {
  /// By the numbers of HealthCheckResponse.ServingStatus. A value. `serviceUnknown` is for Watch alone.
  package enum ServingStatus: Int, Sendable {
    case unknown = 0
    case serving = 1
    case notServing = 2
    case serviceUnknown = 3
  }

  static let maxListed = 20_000

  private struct State {
    var statuses: [String: ServingStatus] = ["": .serving]
    /// Those that ``replaceServing(_:)`` has set.
    var served: Set<String> = []
    var isShuttingDown = false
    var watchers: [ObjectIdentifier: NIOLoopBound<HealthWatch>] = [:]
  }

  private let state = Mutex(State())

  /// The server itself, of the empty name, is serving from the start.
  package init() {}

  /// - Parameter service: The full name; empty: the server.
  package func set(_ service: String, _ status: ServingStatus) {
    change { state in
      state.statuses[service] = status
    }
  }

  /// Says that these services are served, and that those of the last call that are not among them are
  /// not known any more.
  package func replaceServing(_ services: [String]) {
    change { state in
      for service in state.served.subtracting(services) { state.statuses[service] = nil }
      for service in services { state.statuses[service] = .serving }
      state.served = Set(services)
    }
  }

  /// The service is not known any more.
  package func remove(_ service: String) {
    change { state in
      state.statuses[service] = nil
    }
  }

  /// Sets all to NOT_SERVING, now and from now on.
  package func shutDown() {
    change { $0.isShuttingDown = true }
  }

  /// Nil: the service is not known. After ``shutDown()`` those that are known are all not serving.
  package func status(of service: String) -> ServingStatus? {
    state.withLock { Self.status($0, service) }
  }

  private static func status(_ state: State, _ service: String) -> ServingStatus? {
    guard let status = state.statuses[service] else { return nil }
    return state.isShuttingDown ? .notServing : status
  }

  private func change(_ body: (inout State) -> Void) {
    let watchers = state.withLock { state in
      body(&state)
      return Array(state.watchers.values)
    }
    // Each looks up the status itself, on its loop: the latest is what counts.
    for watcher in watchers {
      watcher.eventLoop.execute { watcher.value.changed() }
    }
  }

  // MARK: - Service

  /// For the registry: Check, List and Watch.
  package var service: Service {
    Service(
      name: "grpc.health.v1.Health",
      methods: [
        Method(name: "Check") { call in UnaryHandler(call) { self.check($0) } },
        Method(name: "List") { call in UnaryHandler(call) { _ in self.list() } },
        Method(name: "Watch", isServerStreaming: true) { call in HealthWatch(call, self) },
      ])
  }

  private func check(_ request: ByteBuffer) -> Result<ByteBuffer, Status> {
    guard let service = Self.service(request) else { return .failure(Self.malformed) }
    guard let status = status(of: service) else {
      return .failure(Status(.notFound, "unknown service \(service)"))
    }
    return .success(Self.response(status))
  }

  private func list() -> Result<ByteBuffer, Status> {
    let statuses = state.withLock { state in
      state.statuses.keys.sorted().map { ($0, Self.status(state, $0) ?? .unknown) }
    }
    guard statuses.count <= Self.maxListed else {
      return .failure(Status(.resourceExhausted, "more than \(Self.maxListed) services"))
    }
    let message = MessageArena().encode { arena in
      let response = arena.make(grpc__health__v1__health_list_response__init)
      response.pointee.n_statuses = statuses.count
      response.pointee.statuses = arena.array(statuses) { name, status in
        let entry = arena.make(grpc__health__v1__health_list_response__statuses_entry__init)
        entry.pointee.key = arena.bytes(name)
        let value = arena.make(grpc__health__v1__health_check_response__init)
        value.pointee.status = .init(rawValue: UInt32(status.rawValue))
        entry.pointee.value = value
        return entry
      }
      return response
    } _: {
      ByteBuffer(bytes: $0)
    }
    return .success(message)
  }

  static let malformed = Status(.internal, "the request is no HealthCheckRequest")

  /// Nil: malformed.
  static func service(_ request: ByteBuffer) -> String? {
    request.withUnsafeReadableBytes { bytes in
      try? MessageArena().decode(bytes, with: grpc__health__v1__health_check_request__unpack) {
        $0.service.text
      } ?? nil
    }
  }

  static func response(_ status: ServingStatus) -> ByteBuffer {
    MessageArena().encode { arena in
      let response = arena.make(grpc__health__v1__health_check_response__init)
      response.pointee.status = .init(rawValue: UInt32(status.rawValue))
      return response
    } _: {
      ByteBuffer(bytes: $0)
    }
  }

  fileprivate func add(_ watch: HealthWatch, _ eventLoop: any EventLoop) {
    let bound = NIOLoopBound(watch, eventLoop: eventLoop)
    state.withLock { $0.watchers[ObjectIdentifier(watch)] = bound }
  }

  fileprivate func remove(_ watch: HealthWatch) {
    state.withLock { _ = $0.watchers.removeValue(forKey: ObjectIdentifier(watch)) }
  }
}

/// One call of Watch. Loop-bound.
private final class HealthWatch: CallHandler {
  private let call: ServerCall
  private let health: HealthService
  private var service: String?
  private var lastSent: HealthService.ServingStatus?

  init(_ call: ServerCall, _ health: HealthService) {
    self.call = call
    self.health = health
  }

  func received(_ message: ByteBuffer, wasCompressed: Bool) {
    guard let service = HealthService.service(message) else {
      call.finish(HealthService.malformed)
      return
    }
    self.service = service
    health.add(self, call.eventLoop)
    changed()
  }

  /// Sends the status if it is another one and the client takes it; else it goes when it does.
  func changed() {
    guard let service, call.isWritable else { return }
    let status = health.status(of: service) ?? .serviceUnknown
    guard status != lastSent else { return }
    lastSent = status
    call.send(HealthService.response(status))
  }

  func halfClosed() {}

  func drained() {
    changed()
  }

  func cancelled(_ cause: CancellationCause) {
    health.remove(self)
  }
}
