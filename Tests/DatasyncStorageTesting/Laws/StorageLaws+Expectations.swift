import DatasyncModel
import DatasyncStorage

// 4. A client's order: what a request was made for.
extension StorageLaws {
  static let expectations = [
    StorageLaw(.clientsOrder, "a request is done only where its rows are what it was made for") {
      trial in
      let bench = try trial.begin()
      func write(
        _ operation: WriteOperation, _ expectation: RowExpectation
      ) throws -> WriteResult? {
        let request = try bench.send([operation], expecting: [expectation])
        let results = try bench.results(request)
        return results.first
      }
      let create = try bench.create("note", .string("a"), ["title": .string("a")])
      let made = try write(create, .absent)?.sequence ?? .zero
      let first = try bench.update("note", .string("a"), ["title": .string("b")])
      let second = try bench.update("note", .string("a"), ["title": .string("c")])
      _ = try write(first, .version(made))
      for (operation, expectation) in [
        (second, RowExpectation.version(made)), (second, .absent),
        (try bench.delete("note", "a"), .version(made)),
        (try bench.update("note", .string("b"), ["title": .string("c")]), .version(made)),
      ] {
        try trial.requireError(.aborted, "ROW_CHANGED", "\(expectation)") {
          _ = try write(operation, expectation)
        }
      }
      let changes = try bench.log().flatMap(\.changes).filter { $0.operation != .tableAttached }
      try trial.require(changes.count == 2, "two changes", saw: changes.count)
      _ = try write(second, .any)
    }
  ]
}
