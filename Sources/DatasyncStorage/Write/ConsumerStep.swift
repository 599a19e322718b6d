package import DatasyncModel

/// What becomes of the position of one who follows the change log by name; the position is kept like a row,
/// in the write's own transaction. A value.
package struct ConsumerStep: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    /// Gives the position; that of one nobody knows begins after the last commit before.
    case begin
    /// Everything up to here is done: the end of a commit.
    case move(to: Sequence)
    /// Forgets it; also one that is not there.
    case remove
  }

  /// 1 to 64 bytes.
  package let name: String
  package let kind: Kind

  package init(_ name: String, _ kind: Kind) {
    self.name = name
    self.kind = kind
  }
}

extension DatasyncError {
  /// Somebody has removed the consumer that is to move.
  package static func consumerRemoved(_ name: String) -> DatasyncError {
    DatasyncError(
      .notFound, reason: "CONSUMER_REMOVED", "the consumer \"\(name.shortened)\" was removed",
      metadata: ["consumer": name])
  }

  /// The consumer's position is one of a history that is no more.
  package static func consumerOfOtherHistory(_ name: String) -> DatasyncError {
    DatasyncError(
      .outOfRange, reason: "HISTORY_REPLACED",
      "the position of the consumer \"\(name.shortened)\" is one of another history: remove it, and begin anew",
      metadata: ["consumer": name])
  }

  /// Every position is a row that is kept for ever.
  package static func tooManyConsumers(max: Int) -> DatasyncError {
    DatasyncError(
      .resourceExhausted, reason: "MAX_CONSUMERS",
      "a database has at most \(max) consumers: remove one first",
      metadata: ["limit": "max_consumers"])
  }
}
