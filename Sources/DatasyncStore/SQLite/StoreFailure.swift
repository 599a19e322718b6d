import DatasyncModel

/// What ends a piece of work on the store: a fault to tell the caller, or SQLite's refusal. A value.
enum StoreFailure: Error {
  case error(DatasyncError)
  case sqlite(SQLiteFailure)

  /// - Parameter what: What was being done, for the message.
  func datasyncError(while what: String) -> DatasyncError {
    switch self {
    case .error(let error): error
    case .sqlite(let failure): failure.error(while: what)
    }
  }

  static func wrap<Result>(
    _ body: () throws(SQLiteFailure) -> Result
  ) throws(StoreFailure) -> Result {
    do {
      return try body()
    } catch {
      throw .sqlite(error)
    }
  }
}
