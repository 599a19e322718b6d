import DatasyncModel

/// Gives what other programs wrote its place in the history, within the writer's transaction.
struct Adoption {
  let transaction: WriteTransaction
  let schema: Schema

  init(transaction: WriteTransaction, schema: Schema? = nil) {
    self.transaction = transaction
    self.schema = schema ?? transaction.schema
  }

  /// All that was noted since the last time: it becomes one commit.
  ///
  /// - Returns: How many notes there were.
  func adopt() throws(SQLiteFailure) -> Int {
    let keys = KeyAdoption(transaction: transaction, schema: schema)
    let images = ImageAdoption(transaction: transaction, schema: schema)
    var count = try keys.adopt()
    while true {
      let more = try images.adopt(atMost: Adoption.maxImagesAtOnce)
      guard more > 0 else { return count }
      count += more
    }
  }

  /// What a statement of our own did besides writing the row that it named.
  func adoptSideEffects(except written: (tableID: Int, key: RowKey)) throws(SQLiteFailure) {
    try KeyAdoption(transaction: transaction, schema: schema).adopt()
    try ImageAdoption(transaction: transaction, schema: schema)
      .adopt(atMost: .max, except: written)
  }

  /// Most notes with images that are in memory at once.
  private static let maxImagesAtOnce = 1000
}
