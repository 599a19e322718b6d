import DatasyncModel
import DatasyncStorage
import NIOCore

/// Reads of single rows: all that come in one tick of the loop share a snapshot and a hop. Loop-bound.
final class PointReads {
  typealias Completion = (Result<FoundRow?, DatasyncError>) -> Void

  /// One row that somebody waits for.
  private struct Wanted {
    let key: String
    let table: Table
    let completion: Completion
  }

  private var wanted: [Wanted] = []

  func append(
    _ key: String, in table: Table, on loop: ServiceLoop, completion: @escaping Completion
  ) {
    wanted.append(Wanted(key: key, table: table, completion: completion))
    guard wanted.count == 1 else { return }
    let bound = NIOLoopBound(loop, eventLoop: loop.eventLoop)
    loop.eventLoop.execute { bound.value.pointReads.flush(on: bound.value) }
  }

  private func flush(on loop: ServiceLoop) {
    let batch = wanted
    wanted.removeAll(keepingCapacity: true)
    guard let id = batch.first?.table.id else { return }
    guard batch.count > 1, batch.contains(where: { $0.table.id != id }) else {
      return read(batch, of: id, on: loop)
    }
    // Whoever reads a table that is waited for waits alone.
    for (id, part) in Dictionary(grouping: batch, by: \.table.id) { read(part, of: id, on: loop) }
  }

  private func read(_ batch: [Wanted], of table: Int, on loop: ServiceLoop) {
    let names = batch.map { ($0.table, $0.key) }
    loop.read(
      .table(table), isShort: true,
      { snapshot throws(DatasyncError) in
        names.map { table, key in
          Result { () throws(DatasyncError) in try snapshot.row(key, in: table) }
        }
      },
      completion: { (result: Result<[Result<FoundRow?, DatasyncError>], DatasyncError>) in
        switch result {
        case .success(let rows):
          for (read, row) in zip(batch, rows) { read.completion(row) }
        case .failure(let error):
          for read in batch { read.completion(.failure(error)) }
        }
      })
  }
}
