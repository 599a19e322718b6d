import Glibc
import SwiftProtobuf

/// A client from generated code: `client ADDRESS`. Prints `ok` and the id of the row that it made and
/// deleted; at the first thing that is not as it should be it says so and exits with 1.
@main
struct Client {
  static func main() {
    do {
      let arguments = CommandLine.arguments
      try expect(arguments.count == 2, "usage: client ADDRESS")
      let connection = try Connection(to: arguments[1])
      let id = try typed(connection)
      try session(connection)
      print("ok \(id)")
    } catch {
      let line = Array("failed: \(error)\n".utf8)
      write(STDERR_FILENO, line, line.count)
      exit(1)
    }
  }

  private static let failedPrecondition = 9
  private static let table = "/tables.TodoItemsTable"

  // MARK: - The table's own service

  private static func typed(_ connection: Connection) throws -> String {
    var row = Tables_TodoItems()
    row.title = "from Swift"
    let created = try connection.unary("\(table)/Create", row, as: Tables_TodoItems.self)
    let stored = created.response
    try expect(stored.hasID && stored.version > 0, "the server gives id and version")
    try expect(stored.hasCompleted && !stored.completed, "a default has presence")
    try expect(created.fields["datasync-sequence"] == "\(stored.version)", "with its sequence")
    var get = Datasync_V1_GetRequest()
    get.id = stored.id
    let got = try connection.unary("\(table)/Get", get, as: Tables_TodoItems.self).response
    try expect(got == stored, "Get gives what Create gave")
    let changed = try update(connection, stored)
    try query(connection, changed)
    try watch(connection, changed)
    return stored.id
  }

  private static func update(
    _ connection: Connection, _ stored: Tables_TodoItems
  ) throws -> Tables_TodoItems {
    var update = Tables_TodoItemsUpdate()
    update.row.id = stored.id
    update.row.completed = true
    update.ifVersion = UInt64(stored.version)
    let first = try connection.unary("\(table)/Update", update, as: Tables_TodoItems.self).response
    try expect(first.completed && first.title == "from Swift", "only what is set is written")
    let again = try connection.refusal("\(table)/Update", update)
    try expect(again == failedPrecondition, "an old version is refused")
    update.ifVersion = 0
    update.row.title = "masked"
    update.row.completed = false
    update.updateMask.paths = ["title"]
    let masked = try connection.unary("\(table)/Update", update, as: Tables_TodoItems.self).response
    try expect(masked.completed && masked.title == "masked", "only what is named is written")
    return masked
  }

  private static func query(_ connection: Connection, _ row: Tables_TodoItems) throws {
    var request = Datasync_V1_QueryRequest()
    request.filter = "title eq 'masked' and completed"
    request.count = true
    let page = try connection.unary("\(table)/Query", request, as: Tables_TodoItemsPage.self)
    try expect(page.response.rows == [row] && page.response.total == 1, "Query finds the row")
    var films: [Tables_Movies] = []
    request = Datasync_V1_QueryRequest()
    request.orderBy = "rating desc, year"
    request.pageSize = 100
    repeat {
      let page = try connection.unary(
        "/tables.MoviesTable/Query", request, as: Tables_MoviesPage.self
      ).response
      films += page.rows
      request.pageToken = page.nextPageToken
    } while !request.pageToken.isEmpty
    try expect(Set(films.map(\.id)).count == 248 && films[0].rating == "NC17", "all the films")
  }

  private static func watch(_ connection: Connection, _ row: Tables_TodoItems) throws {
    let call = try Call("\(table)/Watch", on: connection)
    var subscribe = Datasync_V1_SubscribeRequest()
    subscribe.filter = "title eq 'masked'"
    subscribe.previous = true
    try call.send(subscribe)
    try call.finish()
    let initial = try call.next(Tables_TodoItemsEvent.self)
    try expect(initial?.operation == .add && initial?.initial == true, "the row comes first")
    try expect(initial?.row == row && initial?.sequence == UInt64(row.version), "as it is stored")
    let current = try call.next(Tables_TodoItemsEvent.self)
    try expect(current?.checkpoint.current == true, "then a checkpoint")
    var delete = Datasync_V1_DeleteRequest()
    delete.id = row.id
    let gone = try connection.unary("\(table)/Delete", delete, as: Tables_TodoItems.self).response
    try expect(gone == row, "Delete gives the last image")
    var event = try call.next(Tables_TodoItemsEvent.self)
    while event?.hasCheckpoint == true { event = try call.next(Tables_TodoItemsEvent.self) }
    try expect(event?.operation == .delete && event?.previous == row, "the change comes")
    try call.cancel()
  }

  // MARK: - The session

  /// Writes and their events on one stream, with rows in Any.
  private static func session(_ connection: Connection) throws {
    let call = try Call("/datasync.v1.Datasync/Session", on: connection)
    try call.send(
      Datasync_V1_SessionRequest.with {
        $0.requestID = 1
        $0.subscribe.table = "todo_items"
        $0.subscribe.filter = "title eq 'in Any'"
      })
    let current = try call.next(Datasync_V1_SessionResponse.self)
    try expect(current?.event.checkpoint.current == true, "nothing is there yet")
    let entity = try Google_Protobuf_Any(message: Tables_TodoItems.with { $0.title = "in Any" })
    try call.send(
      Datasync_V1_SessionRequest.with {
        $0.requestID = 2
        $0.create.entity = entity
      })
    let created = try call.next(Datasync_V1_SessionResponse.self)
    let row = try Tables_TodoItems(unpackingAny: created?.write.entity ?? Google_Protobuf_Any())
    try expect(created?.requestID == 2 && row.title == "in Any", "the answer comes first")
    let change = try next(call) { $0.event.hasChange }.event.change
    try expect(change.operation == .add && change.id == row.id && change.own, "then its event")
    try expect(try Tables_TodoItems(unpackingAny: change.entity) == row, "with the same row")
    try call.send(
      Datasync_V1_SessionRequest.with {
        $0.requestID = 3
        $0.delete.table = "todo_items"
        $0.delete.id = row.id
      })
    let deleted = try next(call) { $0.requestID == 3 }
    try expect(deleted.write.sequence > change.sequence, "the row is deleted")
    try call.finish()
    try call.cancel()
  }

  private static func next(
    _ call: Call, where isWanted: (Datasync_V1_SessionResponse) -> Bool
  ) throws -> Datasync_V1_SessionResponse {
    while let response = try call.next(Datasync_V1_SessionResponse.self) {
      if isWanted(response) { return response }
    }
    throw Failure("the session ended: \(call.fields)")
  }
}

extension Datasync_V1_Event {
  fileprivate var hasChange: Bool {
    if case .change = event { true } else { false }
  }
}
