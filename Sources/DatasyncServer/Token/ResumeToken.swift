import DatasyncModel

/// A position in one history of the database. A value.
///
/// Its text names the history, so that a token of another one is told from a damaged one.
struct ResumeToken: Hashable, Sendable {
  let historyID: String
  let sequence: Sequence
  /// Of a position within a commit, which an answer to Changes may end at: the commit's first sequence.
  var commitStart: Sequence?

  /// The checksum is not keyed by the history: tokens of others must decode, to be refused as such.
  private static let coder = TokenCoder(key: "datasync resume token 1")

  var text: String {
    var writer = WireWriter(reservingCapacity: 48)
    writer.append(field: 1, string: historyID)
    writer.append(field: 2, varint: sequence.rawValue)
    if let commitStart { writer.append(field: 3, varint: commitStart.rawValue) }
    return ResumeToken.coder.encode(writer.bytes)
  }

  init(historyID: String, sequence: Sequence, commitStart: Sequence? = nil) {
    self.historyID = historyID
    self.sequence = sequence
    self.commitStart = commitStart
  }

  /// - Throws: INVALID_ARGUMENT, reason BAD_RESUME_TOKEN.
  init(parsing text: String) throws(DatasyncError) {
    var historyID = ""
    var sequence: UInt64 = 0
    var commitStart: UInt64?
    var isValid = false
    if let content = ResumeToken.coder.decode(text) {
      content.withUnsafeBytes { bytes in
        var reader = WireReader(bytes)
        while let next = try? reader.next() {
          if case (1, .bytes(let value)) = next {
            historyID = String(decoding: value, as: UTF8.self)
          }
          if case (2, .varint(let value)) = next { sequence = value }
          if case (3, .varint(let value)) = next { commitStart = value }
        }
        isValid = reader.offset == bytes.count && !historyID.isEmpty
      }
    }
    guard isValid, sequence <= UInt64(Int64.max), commitStart ?? 0 <= sequence else {
      throw .badField(
        "resume_token", reason: "BAD_RESUME_TOKEN",
        "not a token that this server gave, or a damaged one")
    }
    self.init(
      historyID: historyID, sequence: Sequence(sequence),
      commitStart: commitStart.map { Sequence($0) })
  }
}
