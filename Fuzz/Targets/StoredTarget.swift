import DatasyncModel
import DatasyncStorage
import DatasyncStore

/// Rows of the store's own tables, as a damaged file holds them. Namespace.
enum StoredTarget {
  static func run(_ bytes: [UInt8]) throws {
    guard let results = bytes.withUnsafeBytes({ StoredResults.decode($0) }) else { return }
    let encoded = StoredResults.encode(results)
    guard let again = encoded.withUnsafeBytes({ StoredResults.decode($0) }) else {
      throw FuzzFault("results are refused as they were written: \(encoded)")
    }
    try require(
      StoredResults.encode(again) == encoded && again.count == results.count,
      "\(results) are read again as \(again)")
    for result in results {
      try require(
        result.image?.bytes.withUnsafeBytes { RowDecoder.isWhole($0) } ?? true,
        "a row is cut: \(result)")
    }
  }
}
