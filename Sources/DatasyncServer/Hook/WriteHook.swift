import DatasyncAccess
import DatasyncModel

/// Code of one's own around the writes of clients: sees them once the access rules have let them through, may
/// change what is written, or refuse it. Sendable: it is asked by many tasks at once.
///
/// The order is: who asks, and what of the tables it sees; the rules for the row as it is; ``willWrite(_:)``; the
/// rules for the row as it would become, what is hidden from the caller among it; the database; the answer;
/// ``didCommit(_:)``; events. Where the stored row has changed since a hook saw it, the hook is asked again, so
/// that it decides on nothing that is not there any more. Writes of other programs pass no hook.
///
/// A hook that throws or does not come back within `hook_timeout` fails its own write alone. Of a session the
/// requests behind it wait for it, of everybody else none does.
public protocol WriteHook: Sendable {
  /// Names of the tables whose writes it sees; nil: of all.
  var tables: Set<String>? { get }

  /// Comes before the write; may change ``ProposedWrite/row``.
  ///
  /// - Throws: ``WriteRefusal``: why not, for the client. Anything else is logged, and an internal error.
  func willWrite(_ write: inout ProposedWrite) async throws
  /// Comes once the write is durable and answered.
  func didCommit(_ write: CommittedWrite) async
}

extension WriteHook {
  /// All.
  public var tables: Set<String>? { nil }
  /// Lets everything pass as it is.
  public func willWrite(_ write: inout ProposedWrite) async throws {}
  /// Nothing.
  public func didCommit(_ write: CommittedWrite) async {}
}

/// What a write does to its row. A value.
public enum WriteKind: Sendable {
  case create, replace, update, delete
}

/// Who writes. A value.
public struct WriteCaller: Hashable, Sendable {
  /// nil: an anonymous caller, or a server without access rules.
  public let id: String?
  /// As the access file and the credentials give them.
  public let roles: Set<String>
  /// As the credentials give them.
  public let groups: Set<String>
  /// Those that the access file declares.
  public let claims: [String: FieldValue]
  /// The client's own name across reconnects; empty where it has none.
  public let clientID: String

  init(_ caller: Caller) {
    let principal = caller.credential?.principal ?? Principal()
    id = principal.id
    roles = principal.roles
    groups = principal.groups
    claims = principal.claims.mapValues { FieldValue($0) }
    clientID = caller.clientID
  }
}

/// A write that is to be done. A value.
public struct ProposedWrite: Sendable {
  /// What it does.
  public let kind: WriteKind
  /// The table's name.
  public let table: String
  /// The row's key, as text; nil: the database makes one.
  public let id: String?
  /// Who writes.
  public let caller: WriteCaller
  /// As it is; nil: there is none that the caller sees. What an earlier write of the same Commit makes of it
  /// counts.
  public let stored: TableRow?
  /// What is to be stored; of a create and a replace without the fields that get their defaults. Nil of a
  /// delete. What is changed here is written, as far as the caller might.
  public var row: TableRow?
}

/// A write that was done. A value.
public struct CommittedWrite: Sendable {
  /// What it did.
  public let kind: WriteKind
  /// The table's name.
  public let table: String
  /// The row's key, as text.
  public let id: String
  /// Who wrote.
  public let caller: WriteCaller
  /// As it was when it was written; nil: there was none.
  public let before: TableRow?
  /// As it was stored; nil of a delete, and where it cannot be read by the caller.
  public let after: TableRow?
  /// Of the change, and the row's version.
  public let sequence: UInt64
}

/// A hook's refusal: the client gets FAILED_PRECONDITION, reason WRITE_REFUSED. A value.
public struct WriteRefusal: Error, Sendable {
  /// For the client, who gets it as it is.
  public let message: String

  /// - Parameter message: Why not.
  public init(_ message: String) {
    self.message = message
  }
}
