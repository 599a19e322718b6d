import DatasyncMessages
import DatasyncModel
import DatasyncRPC

extension Status {
  /// The status of a call that failed so, with its details.
  init(_ error: DatasyncError, encoder: ResponseEncoder) {
    self.init(
      Status.Code(rawValue: Int(error.code.rawValue)), error.message,
      details: encoder.status(error))
  }
}
