import DatasyncModel
package import DatasyncRPC
import DatasyncStorage

extension DatasyncService {
  /// What the service and its store take in memory, by account.
  ///
  /// - Parameter state: Asked for now.
  package func memoryAccounts(_ state: ServiceState) -> [MemoryAccount] {
    let loops = allLoops.count
    let readers = store.bounds.maxReaders
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
        "reads", nil, of: readers.multipliedClamped(by: 2 * options.maxMessageBytes),
        "2 × max_message_bytes × readers"),
    ]
      + store.memory.map { MemoryAccount($0.name, $0.bytes, of: $0.maxBytes, $0.limits) }
  }
}
