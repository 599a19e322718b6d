import DatasyncServer
import Logging
import ServiceLifecycle

@main
struct Shop {
  static func main() async throws {
    let logger = Logger(label: "shop")
    let storage = SQLiteStorage(
      path: "shop.db",
      schema: "CREATE TABLE products (id TEXT PRIMARY KEY, name TEXT NOT NULL, price INTEGER);")
    var configuration = DatabaseServer.Configuration()
    configuration.address = ServerAddress(host: "127.0.0.1", port: 50051)
    try configuration.setLimit("max_connections", to: "500")
    let mail = RPCService(
      name: "shop.v1.Mail",
      methods: [.unary("Send") { request, context in Array("sent by \(context.peer)".utf8) }])
    let server = DatabaseServer(
      storage: storage, configuration: configuration, services: [mail], logger: logger
    ) { address in logger.notice("listening on \(address)") }
    try await ServiceGroup(
      services: [server], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger
    ).run()
  }
}
