import ArgumentParser
import DatasyncAccess
import DatasyncModel
import DatasyncServer
import DatasyncStorage
import DatasyncStore

/// `datasync access`.
struct AccessCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "access", abstract: "Looks at an access file.",
    subcommands: [Check.self, Why.self])

  /// `datasync access check`.
  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "check",
      abstract: "Verifies an access file, the files that it names, and its rules.",
      discussion: "Exits with 1 where something is wrong, and says what and where.")

    @Argument(help: "The SQLite database file; its tables must be attached.")
    var database: String

    @Option(help: "The access file.")
    var access: String

    func run() throws {
      let catalog: Catalog
      do throws(DatasyncError) {
        catalog = try Store.catalog(path: database, options: StoreOptions())
      } catch {
        throw ServerError(error.message)
      }
      let rules: AccessRules
      do throws(AccessFault) {
        let contents = FileContents(reading: AccessFile.maxBytes)
        let file = try AccessFile(reading: access, contents: contents)
        _ = try CredentialVerifier(file: file, contents: contents)
        rules = AccessRules(file: file, catalog: catalog)
      } catch {
        StandardOutput.print(error.description)
        throw ExitCode(1)
      }
      for fault in rules.faults { StandardOutput.print(fault.description) }
      let report = AccessReport(rules: rules, catalog: catalog)
      for line in report.lines { StandardOutput.print(line) }
      if !rules.faults.isEmpty { throw ExitCode(1) }
    }
  }
  /// `datasync access why`.
  struct Why: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "why",
      abstract: "Says what a principal may do with a row, and by which rule.",
      discussion: """
        The database is not changed; it may be served meanwhile. A claim that rules use is taken for \
        absent.
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

    @Argument(help: "The table.")
    var table: String

    @Argument(help: "The row's id.")
    var id: String

    func run() throws {
      do throws(DatasyncError) {
        let found = try Store.row(id, ofTable: table, path: database)
        let rules = try rules(for: found.catalog)
        if let fault = rules.fault(of: found.table) { throw .failedRule(fault) }
        if found.row == nil { StandardOutput.print("there is no row '\(id.shortened)'") }
        if found.row?.row.isDeleted == true { StandardOutput.print("the row is deleted") }
        let explanation = try AccessExplanation(
          of: caller(rules.file), on: found.table,
          row: found.row.map { RowDecoder.values(of: $0.row.image, table: found.table) }, by: rules)
        for line in explanation.lines { StandardOutput.print(line) }
      } catch {
        throw ServerError(error.message)
      }
    }

    private func caller(_ file: AccessFile) -> Principal {
      guard !principal.isEmpty else { return file.anonymous ?? Principal() }
      return file.withRoles(Principal(id: principal, roles: Set(roles)))
    }

    private func rules(for catalog: Catalog) throws(DatasyncError) -> AccessRules {
      do throws(AccessFault) {
        let file = try AccessFile(
          reading: access, contents: FileContents(reading: AccessFile.maxBytes))
        return AccessRules(file: file, catalog: catalog)
      } catch {
        throw .failedRule(error)
      }
    }
  }
}

extension DatasyncError {
  fileprivate static func failedRule(_ fault: AccessFault) -> DatasyncError {
    DatasyncError(.failedPrecondition, reason: "ACCESS_FILE", fault.description)
  }
}
