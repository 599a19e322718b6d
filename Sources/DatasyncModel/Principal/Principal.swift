/// Who asks, as far as rules know of it. A value.
///
/// What sets it has a membership in stands in tables, and is read with the rows that are judged.
package struct Principal: Hashable, Sendable {
  /// nil: an anonymous caller. Otherwise 1 to 255 bytes without control characters.
  package var id: String?
  package var roles: Set<String>
  package var groups: Set<String>
  /// By name; those alone that the access file declares, each of its type. What is missing is absent.
  package var claims: [String: Value]

  package init(
    id: String? = nil, roles: Set<String> = [], groups: Set<String> = [],
    claims: [String: Value] = [:]
  ) {
    self.id = id
    self.roles = roles
    self.groups = groups
    self.claims = claims
  }
}
