/// What somebody may read, as a token carries it: equal where that is equal, and secret to whoever has not
/// the database's key. A value; see ``TokenCoder/mark(of:)``.
struct ViewMark: Hashable, Sendable {
  let bytes: [UInt8]
}
