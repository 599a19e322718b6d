import DatasyncMessages
import DatasyncModel

/// The unary methods of `datasync.v1.Datasync`. A value.
struct ContractCoding: UnaryCoding {
  enum Method: String, CaseIterable {
    case create = "Create"
    case replace = "Replace"
    case update = "Update"
    case delete = "Delete"
    case commit = "Commit"
    case get = "Get"
    case query = "Query"
    case subscribe = "Subscribe"
    case changes = "Changes"
    case describe = "Describe"
  }

  let method: Method

  var ownTable: Table? { nil }
  var requestName: String { "datasync.v1.\(method.rawValue)Request" }
  var isServerStreaming: Bool { method == .subscribe }
  var hasSideEffects: Bool {
    switch method {
    case .get, .query, .changes, .describe: false
    case .create, .replace, .update, .delete, .commit, .subscribe: true
    }
  }

  func decode(_ bytes: UnsafeRawBufferPointer, _ decoder: RequestDecoder) throws -> Request {
    switch method {
    case .create: try decoder.create(bytes)
    case .replace: try decoder.replace(bytes)
    case .update: try decoder.update(bytes)
    case .delete: try decoder.delete(bytes)
    case .commit: try decoder.commit(bytes)
    case .get: try decoder.get(bytes)
    case .query: try decoder.query(bytes)
    case .subscribe: try decoder.subscribe(bytes)
    case .changes: try decoder.changes(bytes)
    case .describe: try decoder.describe(bytes)
    }
  }

  func encode(_ response: Response, _ encoder: ResponseEncoder) -> Result<[UInt8], DatasyncError> {
    var message: [UInt8] = []
    encoder.unary(response) { message = Array($0) }
    return .success(message)
  }
}
