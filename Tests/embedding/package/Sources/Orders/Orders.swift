import DatasyncServer
import Logging
import ServiceLifecycle

struct OrderHook: WriteHook {
  let tables: Set<String>? = ["orders"]
  let logger: Logger

  func willWrite(_ write: inout ProposedWrite) async throws {
    if write.kind == .delete, write.stored?["shipped"] == true {
      throw WriteRefusal("what was shipped stays on record")
    }
    if let code = write.row?["code"]?.text { write.row?["code"] = .string(code.uppercased()) }
  }

  func didCommit(_ write: CommittedWrite) async {
    logger.notice("\(write.kind) \(write.id) by \(write.caller.id ?? "nobody")")
  }
}

@main
struct Orders {
  static func main() async throws {
    let logger = Logger(label: "orders")
    var storage = SQLiteStorage(path: "orders.db")
    storage.attachesTables = true
    var configuration = DatabaseServer.Configuration()
    configuration.address = ServerAddress(host: "127.0.0.1", port: 0)
    configuration.accessFile = "access.yml"
    let server = DatabaseServer(
      storage: storage, configuration: configuration, hooks: [OrderHook(logger: logger)],
      logger: logger
    ) { address in logger.notice("listening on \(address)") }
    try await ServiceGroup(
      services: [server], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger
    ).run()
  }
}
