import ArgumentParser
import DatasyncAccess
import DatasyncModel
import DatasyncServer

/// `datasync token`.
struct TokenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token",
    abstract: "Makes a bearer token, and the line of the token file that stands for it.",
    discussion: """
      The token is printed once and kept nowhere: the file has its hash alone. Whoever shows it is \
      the principal, until its line is taken away.
      """)

  @Argument(help: "The principal's id.")
  var name: String

  @Option(name: .customLong("role"), help: "A role of the principal; repeatable.")
  var roles: [String] = []

  @Option(name: .customLong("group"), help: "A group of the principal; repeatable.")
  var groups: [String] = []

  func validate() throws {
    if let fault = KeyText.fault(in: name) { throw ValidationError("the principal: \(fault)") }
    guard !name.contains(where: \.isWhitespace), !name.hasPrefix("#") else {
      throw ValidationError("the principal: a line of the token file is cut at spaces")
    }
    for word in roles + groups {
      guard KeyText.fault(in: word) == nil, word != "-",
        !word.contains(where: { $0.isWhitespace || $0 == "," })
      else { throw ValidationError("'\(word)': a role or group has no space and no comma") }
    }
  }

  func run() {
    let token = AccessToken.make()
    StandardOutput.print("token: \(token)")
    let line = TokenFile.line(
      hash: AccessToken.hash(of: token), id: name, roles: roles, groups: groups)
    StandardOutput.print("line for the token file: \(line)")
  }
}
