import DatasyncAccess
import DatasyncModel

/// Who asks. A value.
struct Caller: Sendable {
  /// Names the client across reconnects; empty for unary calls that do not name one.
  var clientID = ""
  /// Whose turn its reads have: that of a session, or of a connection for calls without one.
  var turn: UInt64 = 0
  /// Who it has shown itself to be; nil: nobody asks for credentials here, or it has shown none yet.
  var identity: Identity?

  /// What a caller has shown, and what that lets it do. Immutable: a reference, since every request has
  /// its caller.
  final class Identity: Sendable {
    let credential: Credential
    let rights: Rights

    init(_ credential: Credential, _ rights: Rights) {
      self.credential = credential
      self.rights = rights
    }
  }

  var credential: Credential? { identity?.credential }
  /// nil: everything is allowed.
  var rights: Rights? { identity?.rights }

  /// Empty: anonymous.
  var principal: String { identity?.credential.principal.id ?? "" }

  /// As the log has it.
  var author: Author { Author(clientID: clientID, principal: principal) }

  /// The scope of mutation ids; the length keeps the two apart.
  var mutationScope: String { "\(principal.utf8.count):\(principal)\(clientID)" }

  /// - Returns: What is wrong with a client id; nil where it is fit.
  static func fault(inClientID clientID: String) -> String? {
    if clientID.utf8.count > 64 { return "a client id has at most 64 bytes" }
    let isControl = clientID.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
    return isControl ? "a client id has no control characters" : nil
  }
}
