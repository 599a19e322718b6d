package import DatasyncModel
package import DatasyncStorage

/// How a ``MemoryStorage`` is made. A value.
package struct MemoryOptions: Sendable {
  package var catalog: Catalog
  /// What absent columns become, by table and column.
  package var defaults: [String: [String: Value]] = [:]
  package var maxQueuedWrites = 65_536
  package var maxQueuedWriteBytes = 256 << 20
  package var maxQueuedReads = 65_536
  package var maxLogBytes = Int.max
  package var batch = WriteQueue.BatchLimits(requests: 512, writes: 4096, bytes: 4 << 20)
  /// The longest that the writer waits for whoever takes its batches.
  package var gatheringTime: Duration = .milliseconds(10)
  /// The longest that a read waits for what its reader knows of, and for the changes of others.
  package var readWait: Duration = .seconds(5)
  package var readerCount = 3
  package var calendar: @Sendable () -> Int64 = { WallClock.now }
  package var fault: MemoryFault?

  package init(catalog: Catalog) {
    self.catalog = catalog
  }
}

extension Duration {
  /// As Foundation counts.
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }
}

/// What another program does to a row. A value.
package enum ForeignChange: Sendable {
  /// Makes the row, or writes these columns of it.
  case put(table: String, key: Value, [String: Value])
  case remove(table: String, key: Value)

  var table: String {
    switch self {
    case .put(let table, _, _), .remove(let table, _): table
    }
  }
}
