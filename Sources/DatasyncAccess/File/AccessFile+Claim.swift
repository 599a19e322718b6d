import DatasyncFilter
package import DatasyncModel

extension AccessFile {
  /// A claim that an operator gives as NAME=VALUE, of the type that the file declares.
  ///
  /// - Throws: FAILED_PRECONDITION, reason ACCESS_FILE.
  package func claim(_ text: String) throws(DatasyncError) -> (name: String, value: Value) {
    func fault(_ description: String) -> DatasyncError {
      DatasyncError(
        .failedPrecondition, reason: "ACCESS_FILE", "\(text.shortened): \(description)")
    }
    guard let end = text.firstIndex(of: "=") else { throw fault("it is to be NAME=VALUE") }
    let name = String(text[..<end])
    guard let type = claims[name] else { throw fault("the access file declares no such claim") }
    guard let value = type.value(ofClaim: String(text[text.index(after: end)...])) else {
      throw fault("its value is to be \(type)")
    }
    return (name, value)
  }
}

extension ExpressionType {
  /// nil where the text is none of the type.
  fileprivate func value(ofClaim text: String) -> Value? {
    switch self {
    case .string: .string(text)
    case .int64: Int64(text).map { .int64($0) }
    case .double: Double(text).flatMap { $0.isFinite ? .double($0) : nil }
    case .bool: Bool(text).map { .bool($0) }
    default: nil
    }
  }
}
