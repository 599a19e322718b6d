import DatasyncServer
import Foundation
import Logging
import ServiceLifecycle

/// `Follower DATABASE HOST:PORT NAME [LIMIT=VALUE]`: serves, follows the change log by the name, and says what
/// it was given before it asks for more.
@main
struct Follower {
  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count > 3, let address = ServerAddress(arguments[2]) else {
      print("usage: Follower DATABASE HOST:PORT NAME [LIMIT=VALUE]")
      return
    }
    var storage = SQLiteStorage(path: arguments[1])
    storage.attachesTables = true
    var configuration = DatabaseServer.Configuration()
    configuration.address = address
    for limit in arguments.dropFirst(4) {
      let parts = limit.split(separator: "=", maxSplits: 1).map(String.init)
      try configuration.setLimit(parts[0], to: parts[1])
    }
    let logger = Logger(label: "follower")
    let server = DatabaseServer(
      storage: storage, configuration: configuration, logger: logger
    ) { say("listening on \($0)") }
    let mail = Mail(server: server, name: arguments[3])
    try await ServiceGroup(
      services: [server, mail], gracefulShutdownSignals: [.sigterm], logger: logger
    ).run()
    say("ended in order")
  }
}

/// What is done with each commit.
struct Mail: Service {
  let server: DatabaseServer
  let name: String

  func run() async throws {
    do {
      for try await commit in server.changes(consumer: name) {
        let rows = commit.changes.map { "\($0.operation) \($0.id)" }.joined(separator: ",")
        say("commit \(commit.sequences.upperBound) \(rows) by \(commit.origin)")
      }
      say("follows no more")
    } catch let error as ConsumerError {
      say("cannot follow: \(error)")
      try await gracefulShutdown()
    }
  }
}

/// Unbuffered: whoever reads it through a pipe waits for the line.
func say(_ line: String) {
  FileHandle.standardOutput.write(Data("\(line)\n".utf8))
}
