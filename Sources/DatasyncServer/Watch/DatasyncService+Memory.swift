import DatasyncModel
package import DatasyncRPC
import DatasyncStore

extension DatasyncService {
  /// What the service and its store take in memory, by account.
  ///
  /// - Parameter state: Asked for now.
  package func memoryAccounts(_ state: ServiceState) -> [MemoryAccount] {
    let loops = allLoops.count
    let readers = storeOptions.maxReaderCount
    return [
      MemoryAccount(
        "subscriptions", subscriptionCount.value * SubscriptionCount.bytes,
        of: options.maxSubscriptions.multipliedClamped(by: SubscriptionCount.bytes),
        "max_subscriptions × 2KiB"),
      MemoryAccount(
        "filters", filterBytes, of: options.maxFilterBytes, "max_filter_bytes"),
      MemoryAccount(
        "pages", state.pageBytes, of: options.maxPageBytesHeld.multipliedClamped(by: loops),
        "max_page_bytes_held × loops"),
      MemoryAccount(
        "log_pages", state.logPageCount * options.replayChunkBytes,
        of: options.maxPagesHeld.multipliedClamped(by: options.replayChunkBytes)
          .multipliedClamped(by: loops), "max_pages_held × replay_chunk_bytes × loops"),
      MemoryAccount(
        "tail", state.tailBytes, of: options.tailBytes.multipliedClamped(by: loops),
        "tail_bytes × loops"),
      MemoryAccount(
        "queued_writes", store.queuedWriteBytes, of: storeOptions.maxQueuedWriteBytes,
        "max_queued_write_bytes"),
      // As the log, the answer and the record of the mutation have it.
      MemoryAccount(
        "transaction", nil,
        of: (storeOptions.maxCommitBytes + storeOptions.maxBatchBytes).multipliedClamped(by: 3),
        "3 × (max_commit_bytes + max_batch_bytes)"),
      MemoryAccount(
        "reads", nil, of: readers.multipliedClamped(by: 2 * options.maxMessageBytes),
        "2 × max_message_bytes × readers"),
      MemoryAccount(
        "page_caches", store.cacheBytes, of: storeOptions.allCacheBytes,
        "cache_bytes × connections"),
    ]
  }
}
