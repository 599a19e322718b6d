import ArgumentParser
import DatasyncModel
import DatasyncServer
import DatasyncStore

/// `datasync backup`.
struct BackupCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup",
    abstract: "Makes a consistent copy of a database, while it is served or not.",
    discussion: """
      The copy appears when it is complete. Served, it begins a history of its own: resume tokens of \
      the original are refused there.
      """)

  @Argument(help: "The SQLite database file.")
  var database: String

  @Argument(help: "The file to make; it must not exist.")
  var destination: String

  @Flag(help: "Say nothing on the way.")
  var quiet = false

  func run() throws {
    var lastPercent = -1
    do throws(DatasyncError) {
      try Store.backup(path: database, to: destination) { done, total in
        let percent = total > 0 ? done * 100 / total : 100
        guard !quiet, percent / 10 > lastPercent / 10 || lastPercent < 0 else { return }
        lastPercent = percent
        StandardError.print("\(percent) %: \(done) of \(total) pages")
      }
    } catch {
      throw ServerError(error.message)
    }
  }
}
