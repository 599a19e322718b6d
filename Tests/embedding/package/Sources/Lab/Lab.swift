import DatasyncServer
import Foundation
import Logging
import ServiceLifecycle

/// `Lab DATABASE ADDRESS`: every kind of method; says on standard output what becomes of its calls.
@main
struct Lab {
  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 3, let address = ServerAddress(arguments[2]) else {
      print("usage: Lab DATABASE HOST:PORT")
      return
    }
    var storage = SQLiteStorage(path: arguments[1])
    storage.attachesTables = true
    var configuration = DatabaseServer.Configuration()
    configuration.address = address
    configuration.eventLoopCount = 2
    let server = DatabaseServer(
      storage: storage, configuration: configuration, services: [lab],
      logger: Logger(label: "lab")
    ) { say("listening on \($0)") }
    do {
      try await ServiceGroup(
        services: [server], gracefulShutdownSignals: [.sigterm], logger: Logger(label: "lab")
      ).run()
      say("ended in order")
    } catch let error as ServerError {
      say("not started: \(error)")
    }
  }

  static var lab: RPCService {
    RPCService(
      name: "lab.v1.Lab",
      methods: [
        .unary("Echo") { request, _ in request },
        .unary("Metadata") { _, context in Array("\(context.path) \(context.text("x") ?? "")".utf8)
        },
        .unary("Refuse") { _, _ in throw RPCError(.failedPrecondition, "not now") },
        .unary("Break") { _, _ in throw Broken() },
        .unary("Sleep") { _, _ in
          do {
            try await Task.sleep(for: .seconds(60))
          } catch {
            say("asleep no more: \(error)")
            throw error
          }
          return []
        },
        .serverStreaming("Count") { request, _, responses in
          for number in 0..<(Int(String(decoding: request, as: UTF8.self)) ?? 0) {
            try await responses.write(Array("\(number)".utf8))
          }
        },
        // As much as the client takes.
        .serverStreaming("Flood") { _, _, responses in
          var count = 0
          do {
            while true {
              try await responses.write([UInt8](repeating: 7, count: 10_000))
              count += 1
            }
          } catch {
            say("flood ended after \(count)")
            throw error
          }
        },
      ])
  }
}

struct Broken: Error {}

/// Unbuffered: whoever reads it through a pipe waits for the line.
func say(_ line: String) {
  FileHandle.standardOutput.write(Data("\(line)\n".utf8))
}
