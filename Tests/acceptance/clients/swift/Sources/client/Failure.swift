/// Why the client gives up. A value.
struct Failure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}

func expect(_ condition: Bool, _ what: String) throws {
  if !condition { throw Failure(what) }
}
