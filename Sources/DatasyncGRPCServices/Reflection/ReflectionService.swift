import CDatasyncGRPCMessages
import DatasyncProtobuf
package import DatasyncRPC
import NIOCore

/// grpc.reflection v1 and v1alpha, which differ in nothing but their names. Sendable.
///
/// Source: `proto/grpc/reflection/v1/reflection.proto`.
package struct ReflectionService: Sendable {
  let pool: DescriptorPool
  /// The registry holds the service, not the other way round.
  private let registry: @Sendable () -> ServiceRegistry?

  /// The registry is not held; once it is gone, no services are listed.
  package init(pool: DescriptorPool, registry: ServiceRegistry) {
    self.pool = pool
    self.registry = { [weak registry] in registry }
  }

  var serviceNames: [String] { registry()?.serviceNames ?? [] }

  /// Both versions, for the registry.
  package var services: [Service] {
    ["grpc.reflection.v1", "grpc.reflection.v1alpha"].map { package in
      Service(
        name: "\(package).ServerReflection",
        methods: [
          Method(
            name: "ServerReflectionInfo", isClientStreaming: true, isServerStreaming: true
          ) { call in ReflectionCall(call, self) }
        ])
    }
  }
}

private typealias Request = Grpc__Reflection__V1__ServerReflectionRequest
private typealias Response = Grpc__Reflection__V1__ServerReflectionResponse

/// One call. Loop-bound.
private final class ReflectionCall: CallHandler {
  private let call: ServerCall
  private let service: ReflectionService
  private let requests = MessageArena()
  private let responses = MessageArena()
  private var sentFiles: Set<String> = []

  init(_ call: ServerCall, _ service: ReflectionService) {
    self.call = call
    self.service = service
  }

  func received(_ message: ByteBuffer, wasCompressed: Bool) {
    let answer: ByteBuffer? = message.withUnsafeReadableBytes { bytes in
      let answer = try? requests.decode(
        bytes, with: grpc__reflection__v1__server_reflection_request__unpack
      ) { request in self.answer(request) }
      return answer ?? nil
    }
    guard let answer else {
      call.finish(Status(.invalidArgument, "the request asks for nothing, or is malformed"))
      return
    }
    call.send(answer)
    // One that asks without reading waits.
    if !call.isWritable { call.pauseReading() }
  }

  func drained() {
    call.resumeReading()
  }

  func halfClosed() {
    call.finish(.ok)
  }

  func cancelled(_ cause: CancellationCause) {}

  // MARK: - Answers

  private enum Answer {
    case files([[UInt8]])
    case extensionNumbers(type: String, [Int32])
    case services([String])
    case notFound(String)
  }

  private func answer(_ request: Request) -> ByteBuffer? {
    let answer: Answer
    switch request.message_request_case {
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME:
      answer = files(request.file_by_filename.text)
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
      let symbol = request.file_containing_symbol.text
      answer = files(symbol.flatMap { service.pool.fileName(containing: $0) }, symbol)
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_EXTENSION:
      guard let wanted = request.file_containing_extension?.pointee,
        let type = wanted.containing_type.text
      else { return nil }
      let number = wanted.extension_number
      answer = files(
        service.pool.fileName(containingExtension: number, of: type), "\(type), \(number)")
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE:
      let type = request.all_extension_numbers_of_type.text ?? ""
      answer =
        service.pool.extensionNumbers(of: type).map { .extensionNumbers(type: type, $0) }
        ?? .notFound(type)
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES:
      answer = .services(service.serviceNames)
    default:
      return nil
    }
    return encode(answer, request)
  }

  private func files(_ name: String?, _ wanted: String? = nil) -> Answer {
    guard let name else { return .notFound(wanted ?? "") }
    // The file asked for always, what it imports once.
    let files = service.pool.transitiveFiles(of: name).filter {
      sentFiles.insert($0.name).inserted || $0.name == name
    }
    return files.isEmpty ? .notFound(wanted ?? name) : .files(files.map(\.bytes))
  }

  private func encode(_ answer: Answer, _ request: Request) -> ByteBuffer {
    responses.encode { arena in
      let response = arena.make(grpc__reflection__v1__server_reflection_response__init)
      response.pointee.valid_host = request.host
      let original = arena.make(grpc__reflection__v1__server_reflection_request__init)
      let base = original.pointee.base
      original.pointee = request
      original.pointee.base = base
      response.pointee.original_request = original
      fill(response, answer, arena)
      return response
    } _: {
      ByteBuffer(bytes: $0)
    }
  }

  private func fill(
    _ response: UnsafeMutablePointer<Response>, _ answer: Answer, _ arena: MessageArena
  ) {
    switch answer {
    case .files(let files):
      let list = arena.make(grpc__reflection__v1__file_descriptor_response__init)
      list.pointee.n_file_descriptor_proto = files.count
      list.pointee.file_descriptor_proto = arena.array(files) { arena.bytes($0) }
      response.pointee.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE
      response.pointee.file_descriptor_response = list
    case .extensionNumbers(let type, let numbers):
      let list = arena.make(grpc__reflection__v1__extension_number_response__init)
      list.pointee.base_type_name = arena.bytes(type)
      list.pointee.n_extension_number = numbers.count
      list.pointee.extension_number = arena.array(numbers) { $0 }
      response.pointee.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ALL_EXTENSION_NUMBERS_RESPONSE
      response.pointee.all_extension_numbers_response = list
    case .services(let names):
      let list = arena.make(grpc__reflection__v1__list_service_response__init)
      list.pointee.n_service = names.count
      list.pointee.service = arena.array(names) { name in
        let entry = arena.make(grpc__reflection__v1__service_response__init)
        entry.pointee.name = arena.bytes(name)
        return entry
      }
      response.pointee.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE
      response.pointee.list_services_response = list
    case .notFound(let what):
      let error = arena.make(grpc__reflection__v1__error_response__init)
      error.pointee.error_code = Int32(Status.Code.notFound.rawValue)
      error.pointee.error_message = arena.bytes("not found: \(what)")
      response.pointee.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE
      response.pointee.error_response = error
    }
  }
}
