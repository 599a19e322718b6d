import DatasyncMessages
import DatasyncModel

/// The methods of one table's own service, whose messages hold the rows themselves. A value.
struct TypedCoding: UnaryCoding {
  enum Method: String, CaseIterable {
    case create = "Create"
    case get = "Get"
    case replace = "Replace"
    case update = "Update"
    case delete = "Delete"
    case query = "Query"
    case watch = "Watch"
  }

  let method: Method
  let table: Table

  var ownTable: Table? { table }
  var isServerStreaming: Bool { method == .watch }
  var hasSideEffects: Bool { method != .get && method != .query }

  var requestName: String {
    switch method {
    case .create: table.messageName
    case .replace: "\(table.messageName)Replace"
    case .update: "\(table.messageName)Update"
    case .get: "datasync.v1.GetRequest"
    case .delete: "datasync.v1.DeleteRequest"
    case .query: "datasync.v1.QueryRequest"
    case .watch: "datasync.v1.SubscribeRequest"
    }
  }

  func decode(_ bytes: UnsafeRawBufferPointer, _ decoder: RequestDecoder) throws -> Request {
    switch method {
    case .create: TypedMessages.create(bytes, table: table)
    case .replace: try TypedMessages.replace(bytes, table: table)
    case .update: try TypedMessages.update(bytes, table: table, decoder: decoder)
    case .get: try decoder.get(bytes)
    case .delete: try decoder.delete(bytes)
    case .query: try decoder.query(bytes)
    case .watch: try decoder.subscribe(bytes)
    }
  }

  func encode(_ response: Response, _ encoder: ResponseEncoder) -> Result<[UInt8], DatasyncError> {
    switch response {
    case .write(let reply): .success(reply.entity?.image.bytes ?? [])
    case .get(.row(let entity)): .success(entity.image.bytes)
    case .query(let reply): .success(TypedMessages.page(reply))
    case .get(.notModified), .open, .authenticate, .commit, .describe, .changes:
      .failure(DatasyncError(.internal, "a typed service has no such answer"))
    }
  }
}
