import DatasyncAccess
import DatasyncModel

/// The tables and the access file that the tests speak of.
enum Shop {
  static func table(_ id: Int, _ name: String, _ own: [(String, ColumnType)]) -> Table {
    let system = zip(
      ["id", "created_at", "updated_at", "version", "deleted"],
      [ColumnType.string, .timestamp, .timestamp, .int64, .bool])
    let columns = system.enumerated().map { index, column in
      Column(
        name: column.0, type: column.1, number: index + 1, isNullable: false, isSystem: true)
    }
    return Table(
      id: id, name: name, messageName: "tables.T\(id)",
      columns: columns
        + own.enumerated().map { index, column in
          Column(name: column.0, type: column.1, number: index + 6, isNullable: true)
        })
  }

  static let items = table(
    1, "todo_items",
    [
      ("list_id", .string), ("owner", .string), ("title", .string), ("cost", .int64),
      ("tenant", .string),
    ])
  static let members = table(2, "team_members", [("team_id", .string), ("user_id", .string)])
  static let lists = table(3, "team_lists", [("team_id", .string), ("list_id", .string)])
  static let notes = table(4, "notes", [("text", .string), ("extra", .json(asWritten: true))])
  static let catalog = Catalog(tables: [items, members, lists, notes], generation: 1)

  static let text = """
    credentials:
      jwt:
        - issuer: https://id.example.com
          audience: shop
          keys: keys.json
          algorithms: [RS256, ES256, EdDSA]
          prefix: 'b:'
        - issuer: https://other.example.com
          audience: shop
          secret: secret
          algorithms: [HS256]
          id: user
          roles: scope
          leeway: 500ms
      tokens: tokens.txt
      certificates: san-uri
    roles: { admin: [alice, 'spiffe://shop/ops', 'b:carol'] }
    anonymous: { roles: [guest, no] }
    claims: { tenant: string, level: int64, share: double, vip: bool }
    memberships:
      teams: { table: team_members, value: team_id, where: "user_id eq @principal.id" }
      lists: { table: team_lists, value: list_id, where: "team_id in @principal.teams" }
    tables:
      todo_items:
        read: list_id in @principal.lists or 'admin' in @principal.roles
        create: list_id in @principal.lists
        update:
          before: list_id in @principal.lists
          after: list_id in @principal.lists and owner eq @old.owner
        delete: owner eq @principal.id
        set: { owner: '@principal.id', tenant: '@principal.claims.tenant' }
        hide: { cost: "not ('staff' in @principal.roles)" }
      notes: {}
      '*': { read: 'true' }
    operators: admin
    """

  static func file(_ text: String = text) throws(AccessFault) -> AccessFile {
    try AccessFile(parsing: text, path: "/etc/shop/access.yml")
  }

  /// The files of a folder that is none.
  static func contents(_ files: [String: [UInt8]]) -> FileContents {
    FileContents { (path) throws(FileContents.Failure) in
      guard let bytes = files[path] else { throw FileContents.Failure("there is no such file") }
      return bytes
    }
  }
}
