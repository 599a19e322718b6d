import DatasyncModel
import DatasyncStore

/// The database file before it is opened.
enum DatabaseFile {
  /// Creates the database from the schema file where it does not exist.
  ///
  /// - Returns: Whether it did.
  static func prepare(path: String, schema: String?) throws(Failure) -> Bool {
    guard let schema, !FileReader.exists(path) else { return false }
    let text = try FileReader.text(of: schema)
    do {
      try Store.create(path: path, schema: text)
    } catch {
      throw Failure("\(schema): \(error.message)")
    }
    return true
  }
}
