import DatasyncAccess
import DatasyncMessages
import DatasyncModel
import DatasyncRPC

extension Service {
  /// The same for operators alone, whom the access file names; its methods are unary.
  func forOperators(of access: AccessControl, log: ServiceLog) -> Service {
    Service(
      name: name,
      methods: methods.map { method in
        Method(
          name: method.name, isClientStreaming: method.isClientStreaming,
          isServerStreaming: method.isServerStreaming
        ) { call in
          guard let refusal = access.refusal(of: call, log: log) else {
            return method.handler(call)
          }
          return UnaryHandler(call) { _ in
            .failure(Status(refusal, encoder: ResponseEncoder()))
          }
        }
      })
  }
}

extension AccessControl {
  /// Whom a call shows itself to come from.
  ///
  /// - Throws: ``CredentialFault``, which the log is told of.
  func credential(of call: ServerCall, log: ServiceLog) throws(CredentialFault) -> Credential {
    let values = call.metadata.entries.filter { $0.key == "authorization" }
      .map { String(decoding: $0.value, as: UTF8.self) }
    do throws(CredentialFault) {
      return try credential(authorization: values, certificate: call.peer.certificateNames)
    } catch {
      log.credentialsRefused(error.kind.rawValue, because: error.cause)
      throw error
    }
  }

  /// Why a call is no operator's; nil: it is.
  fileprivate func refusal(of call: ServerCall, log: ServiceLog) -> DatasyncError? {
    do throws(CredentialFault) {
      let principal = try credential(of: call, log: log).principal
      guard !isOperator(principal) else { return nil }
      return DatasyncError(
        .permissionDenied, reason: "OPERATION_NOT_ALLOWED", "this service is for operators alone")
    } catch {
      return error.error
    }
  }
}
