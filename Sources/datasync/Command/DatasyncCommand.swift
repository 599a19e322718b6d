import ArgumentParser

@main
struct DatasyncCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "datasync",
    abstract: "Serves a SQLite database as a typed, real-time gRPC API, over one stream.",
    subcommands: [
      ServeCommand.self, AttachCommand.self, ProtoCommand.self, DetachCommand.self,
      BackupCommand.self, CheckCommand.self, ExplainCommand.self, LimitsCommand.self,
      TokenCommand.self, AccessCommand.self, LogCommand.self, ConsumersCommand.self,
    ])
}
