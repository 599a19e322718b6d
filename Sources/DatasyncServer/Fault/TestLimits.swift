import DatasyncStore

#if DEBUG
  #if canImport(Glibc)
    import Glibc
  #else
    import Darwin
  #endif
#endif

/// Limits that tests make small, so that a run of seconds reaches what otherwise takes gigabytes:
/// compaction, replay from the log's table, initial rows and replays in many pages.
///
/// Only in debug builds: `DATASYNC_LIMITS=log-bytes=65536,tail-bytes=32768,replay-bytes=4096,page-rows=7`.
enum TestLimits {
  static func apply(to store: inout StoreOptions, _ service: inout ServiceOptions) {
    #if DEBUG
      guard let text = getenv("DATASYNC_LIMITS").map({ String(cString: $0) }) else { return }
      for part in text.split(separator: ",") {
        let pair = part.split(separator: "=")
        guard pair.count == 2, let value = Int(pair[1]), value > 0 else {
          fputs("DATASYNC_LIMITS: not understood: \(part)\n", stderr)
          continue
        }
        switch pair[0] {
        case "log-bytes": store.maxLogBytes = value
        case "tail-bytes": service.tailBytes = value
        case "replay-bytes": service.replayChunkBytes = value
        case "page-rows": service.snapshotPageRows = value
        default: fputs("DATASYNC_LIMITS: unknown: \(part)\n", stderr)
        }
      }
    #endif
  }
}
