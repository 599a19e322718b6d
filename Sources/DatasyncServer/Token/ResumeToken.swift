package import DatasyncModel

/// A position in one history of the database. A value.
///
/// Its text names the history, so that a token of another one is told from a damaged one.
package struct ResumeToken: Hashable, Sendable {
  let historyID: String
  let sequence: Sequence
  /// Of a position within a commit, which an answer to Changes may end at: the commit's first sequence.
  var commitStart: Sequence?
  /// Of what its holder might read when it was given; nil: everything.
  var mark: ViewMark?

  /// base64url, signed with the coder's key; whoever holds it can read it, and not make another.
  package func text(coder: TokenCoder) -> String {
    coder.encode(content, as: .resume)
  }

  private var content: [UInt8] {
    var writer = WireWriter(reservingCapacity: 48)
    writer.append(field: 1, string: historyID)
    writer.append(field: 2, varint: sequence.rawValue)
    if let commitStart { writer.append(field: 3, varint: commitStart.rawValue) }
    if let mark { writer.append(field: 4, bytes: mark.bytes) }
    return writer.bytes
  }

  init(
    historyID: String, sequence: Sequence, commitStart: Sequence? = nil, mark: ViewMark? = nil
  ) {
    self.mark = mark
    self.historyID = historyID
    self.sequence = sequence
    self.commitStart = commitStart
  }

  /// - Throws: INVALID_ARGUMENT, reason BAD_RESUME_TOKEN; OUT_OF_RANGE, reason HISTORY_REPLACED, where
  ///   another database's server made it, or one that did not sign its tokens.
  package init(parsing text: String, coder: TokenCoder) throws(DatasyncError) {
    switch coder.decode(text, as: .resume) {
    case .ours(let content):
      if let token = ResumeToken(content: content) {
        self = token
        return
      }
    case .foreign:
      throw .historyReplaced
    case .damaged:
      if TokenCoder.isUnsigned(text) { throw .historyReplaced }
    }
    throw .badField(
      "resume_token", reason: "BAD_RESUME_TOKEN",
      "not a token that this server gave, or a damaged one")
  }

  /// nil where it is not, byte for byte, what ``text(coder:)`` makes of a token.
  package init?(content: [UInt8]) {
    var historyID = ""
    var sequence: UInt64 = 0
    var commitStart: UInt64?
    var mark: ViewMark?
    content.withUnsafeBytes { bytes in
      var reader = WireReader(bytes)
      while let next = try? reader.next() {
        if case (1, .bytes(let value)) = next {
          historyID = String(decoding: value, as: UTF8.self)
        }
        if case (2, .varint(let value)) = next { sequence = value }
        if case (3, .varint(let value)) = next { commitStart = value }
        if case (4, .bytes(let value)) = next { mark = ViewMark(bytes: Array(value)) }
      }
    }
    guard !historyID.isEmpty, sequence <= UInt64(Int64.max), commitStart ?? 0 <= sequence else {
      return nil
    }
    self.init(
      historyID: historyID, sequence: Sequence(sequence),
      commitStart: commitStart.map { Sequence($0) }, mark: mark)
    guard self.content == content else { return nil }
  }
}
