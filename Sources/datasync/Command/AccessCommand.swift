import ArgumentParser
import DatasyncAccess
import DatasyncModel
import DatasyncServer
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
}
