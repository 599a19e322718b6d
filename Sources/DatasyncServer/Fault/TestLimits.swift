import DatasyncStore

#if DEBUG
  #if canImport(Glibc)
    import Glibc
  #else
    import Darwin
  #endif
#endif

/// Limits that tests make small, so that a run of seconds reaches what otherwise takes gigabytes:
/// compaction, replay from the log's table, initial rows and replays in many pages, a full write queue,
/// a long WAL.
///
/// Only in debug builds: `DATASYNC_LIMITS=log-bytes=65536,tail-bytes=32768,replay-bytes=4096,page-rows=7`.
enum TestLimits {
  static func applied(
    to store: StoreOptions, _ service: ServiceOptions
  ) -> (StoreOptions, ServiceOptions) {
    #if DEBUG
      var (store, service) = (store, service)
      store.fault = FaultSwitch.storeFault
      guard let text = getenv("DATASYNC_LIMITS").map({ String(cString: $0) }) else {
        return (store, service)
      }
      for part in text.split(separator: ",") {
        let pair = part.split(separator: "=")
        guard pair.count == 2, let value = Int(pair[1]), value > 0 else {
          TestNotice.print("DATASYNC_LIMITS: not understood: \(part)")
          continue
        }
        switch pair[0] {
        case "log-bytes": store.maxLogBytes = value
        case "queued-writes": store.maxQueuedWrites = value
        case "checkpoint-pages": store.checkpointPages = value
        case "restart-pages": store.restartPages = value
        case "wal-pages": store.maxWALPages = value
        case "tail-bytes": service.tailBytes = value
        case "replay-bytes": service.replayChunkBytes = value
        case "page-rows": service.snapshotPageRows = value
        default: TestNotice.print("DATASYNC_LIMITS: unknown: \(part)")
        }
      }
    #endif
    return (store, service)
  }
}
