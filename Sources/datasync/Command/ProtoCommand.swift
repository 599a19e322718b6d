import ArgumentParser
import DatasyncMessages
import DatasyncModel
import DatasyncServer
import DatasyncStore

/// `datasync proto`.
struct ProtoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "proto",
    abstract: "Prints the .proto file of a database's tables, for protoc, buf and swift-protobuf.",
    discussion: """
      It imports datasync/v1/datasync.proto, which stands in the proto folder of Datasync's sources.
      """)

  @Argument(help: "The SQLite database file; its tables must be attached.")
  var database: String

  func run() throws {
    do throws(DatasyncError) {
      let options = StoreOptions()
      let catalog = try Store.catalog(path: database, options: options)
      let file = TablesProto.file(for: catalog, messagePackage: options.messagePackage)
      StandardOutput.write(file.text)
    } catch {
      throw ServerError(error.message)
    }
  }
}
