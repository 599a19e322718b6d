import ArgumentParser
import DatasyncAccess
import DatasyncModel
import DatasyncServer
import DatasyncStorage
import DatasyncStore

extension AccessCommand {
  /// `datasync access why`.
  struct Why: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "why",
      abstract: "Says what a principal may do with a row, and by which rule.",
      discussion: """
        The database is not changed; it may be served meanwhile. Memberships are those that its rows make \
        up now. A claim that is not given is taken for absent.
        """)

    @Argument(help: "The SQLite database file; its tables must be attached.")
    var database: String

    @Option(help: "The access file.")
    var access: String

    @Option(name: .customLong("as"), help: "The principal's id; empty: an anonymous caller.")
    var principal: String

    @Option(
      name: .customLong("role"),
      help:
        "A role that the principal's credentials give it; repeatable. Those of the file are added.")
    var roles: [String] = []

    @Option(
      name: .customLong("group"), help: "A group that its credentials give it; repeatable.")
    var groups: [String] = []

    @Option(
      name: .customLong("claim"),
      help: "A claim of its credentials, as NAME=VALUE; repeatable. The access file says its type.")
    var claims: [String] = []

    @Argument(help: "The table.")
    var table: String

    @Argument(help: "The row's id.")
    var id: String

    func run() throws {
      do throws(DatasyncError) {
        let lines = try Store.look(path: database) { rows throws(DatasyncError) in
          try explanation(in: rows)
        }
        for line in lines { StandardOutput.print(line) }
      } catch {
        throw ServerError(error.message)
      }
    }

    private func explanation(in rows: StoreLook) throws(DatasyncError) -> [String] {
      let table = try rows.table(named: table)
      let found = try rows.row(id, in: table)
      let rules = try rules(for: rows.catalog)
      if let fault = rules.fault(of: table) { throw .failedRule(fault.description) }
      let caller = try caller(rules.file)
      var lines: [String] = []
      if principal.isEmpty, rules.file.anonymous == nil {
        return ["nobody is served without credentials: the access file has no 'anonymous'"]
      }
      if found == nil {
        lines.append(
          "there is no row '\(id.shortened)'; what other programs wrote while no server ran is not "
            + "looked at before one does")
      }
      if found?.row.isDeleted == true { lines.append("the row is deleted") }
      let needed = try rules.rights(of: caller, on: table).memberships
      let explanation = try AccessExplanation(
        of: caller, on: table,
        row: found.map { RowDecoder.values(of: $0.row.image, table: table) },
        sets: try rules.sets(needed, of: caller, in: rows), by: rules)
      return lines + explanation.lines
    }

    private func caller(_ file: AccessFile) throws(DatasyncError) -> Principal {
      guard !principal.isEmpty else { return file.anonymous ?? Principal() }
      var caller = Principal(id: principal, roles: Set(roles), groups: Set(groups))
      for claim in claims {
        let (name, value) = try file.claim(claim)
        caller.claims[name] = value
      }
      return file.withRoles(caller)
    }

    private func rules(for catalog: Catalog) throws(DatasyncError) -> AccessRules {
      do throws(AccessFault) {
        let file = try AccessFile(
          reading: access, contents: FileContents(reading: AccessFile.maxBytes))
        return AccessRules(file: file, catalog: catalog)
      } catch {
        throw .failedRule(error.description)
      }
    }
  }
}

extension DatasyncError {
  fileprivate static func failedRule(_ description: String) -> DatasyncError {
    DatasyncError(.failedPrecondition, reason: "ACCESS_FILE", description)
  }
}
