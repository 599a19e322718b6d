import CDatasyncMessages
import DatasyncModel
import DatasyncProtobuf

extension Encode {
  /// The one place where an error becomes a google.rpc.Status; nil is OK.
  static func status(
    _ error: DatasyncError?, _ arena: MessageArena
  ) -> UnsafeMutablePointer<Google__Rpc__Status> {
    let message = arena.make(google__rpc__status__init)
    guard let error else { return message }
    message.pointee.code = error.code.rawValue
    message.pointee.message = arena.bytes(error.message)
    var details: [UnsafeMutablePointer<Google__Protobuf__Any>?] = []
    if !error.reason.isEmpty {
      details.append(any("google.rpc.ErrorInfo", errorInfo(error)))
    }
    if !error.violations.isEmpty {
      details.append(any("google.rpc.BadRequest", badRequest(error)))
    }
    if let delay = error.retryAfter {
      details.append(any("google.rpc.RetryInfo", retryInfo(delay)))
    }
    if let row = error.row { details.append(entity(EntityReply(row), arena)) }
    message.pointee.n_details = details.count
    message.pointee.details = arena.array(details) { $0 }
    return message

    func any(_ name: String, _ bytes: [UInt8]) -> UnsafeMutablePointer<Google__Protobuf__Any> {
      entity(EntityReply(messageName: name, image: RowImage(bytes: bytes)), arena)
    }
  }

  private static func errorInfo(_ error: DatasyncError) -> [UInt8] {
    MessageArena().encode(
      building: { arena in
        let message = arena.make(google__rpc__error_info__init)
        message.pointee.reason = arena.bytes(error.reason)
        message.pointee.domain = arena.bytes("datasync")
        let entries = error.metadata.sorted { $0.key < $1.key }
        message.pointee.n_metadata = entries.count
        message.pointee.metadata = arena.array(entries) { key, value in
          let entry = arena.make(google__rpc__error_info__metadata_entry__init)
          entry.pointee.key = arena.bytes(key)
          entry.pointee.value = arena.bytes(value)
          return entry
        }
        return message
      }, { Array($0) })
  }

  private static func badRequest(_ error: DatasyncError) -> [UInt8] {
    MessageArena().encode(
      building: { arena in
        let message = arena.make(google__rpc__bad_request__init)
        message.pointee.n_field_violations = error.violations.count
        message.pointee.field_violations = arena.array(error.violations) { violation in
          let field = arena.make(google__rpc__bad_request__field_violation__init)
          field.pointee.field = arena.bytes(violation.field)
          field.pointee.description = arena.bytes(violation.description)
          return field
        }
        return message
      }, { Array($0) })
  }

  private static func retryInfo(_ delay: Duration) -> [UInt8] {
    let (seconds, attoseconds) = delay.components
    return MessageArena().encode(
      building: { arena in
        let message = arena.make(google__rpc__retry_info__init)
        message.pointee.retry_delay = duration(
          nanoseconds: seconds * 1_000_000_000 + attoseconds / 1_000_000_000, arena)
        return message
      }, { Array($0) })
  }
}
