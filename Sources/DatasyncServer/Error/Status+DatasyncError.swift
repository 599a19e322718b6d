import DatasyncMessages
import DatasyncModel
import DatasyncRPC

extension Status {
  /// The status of a call that failed so, with its details; without the row where that is more than
  /// trailers may hold.
  init(_ error: DatasyncError, encoder: ResponseEncoder) {
    var details = encoder.status(error)
    if details.count > Status.maxDetailsBytes {
      var smaller = error
      smaller.row = nil
      // A key may be as long as a message.
      smaller.metadata = smaller.metadata.mapValues(\.shortened)
      details = encoder.status(smaller)
    }
    self.init(
      Status.Code(rawValue: Int(error.code.rawValue)), error.message, details: details)
  }
}
