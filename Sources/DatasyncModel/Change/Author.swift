/// Who wrote a commit. A value.
///
/// A client id is the client's own choice, so that two principals may have the same: only both together tell
/// whether a change is somebody's own.
package struct Author: Hashable, Sendable {
  /// The origin of its events; empty where written outside the server, or where the client gave none.
  package let clientID: String
  /// The id of the writer's principal; empty: nobody who has shown who it is. No event carries it.
  package var principal: String

  package init(clientID: String, principal: String = "") {
    self.clientID = clientID
    self.principal = principal
  }

  /// Other programs, of which nothing is known.
  package static let unknown = Author(clientID: "")

  /// Whether what somebody wrote is its own; nothing is that of a writer without a client id.
  package func isSame(as other: Author) -> Bool {
    !clientID.isEmpty && clientID == other.clientID && principal == other.principal
  }
}
