package import DatasyncFilter
package import DatasyncModel

/// A database with one order of commits, as everything above it knows it: what any store must do, whatever
/// keeps the rows. Sendable.
///
/// The laws, each of which a test of every store shows (`Tests/DatasyncStorageTests`):
///
/// 1. **Durable.** A write's answer is in a batch only once the write survives what the store says it
///    survives. A write without an answer may have happened or not; never a part of it.
/// 2. **One order.** Every change has a ``Sequence``; they are consecutive, without a gap, in the order in
///    which commits take effect, whoever made them. The changes of a commit are neighbours. A row's version
///    is the sequence of its last change.
/// 3. **Answers first.** ``StorageObserver/batchCommitted(_:)`` has answers and commits of one transaction
///    together, batches come in order and singly. ``Storage/head`` is that of the batch while it is told; a
///    snapshot may be ahead of what was told by the one batch that is about to be.
/// 4. **A client's order.** Requests of one session take effect in the order in which they were submitted;
///    each is whole or not at all, and fails alone.
/// 5. **Snapshots.** What is read in a ``StorageSnapshot`` is the state at its ``StorageSnapshot/sequence``:
///    all changes up to it and none after, rows, counts and log alike, also of tables that other programs
///    are writing into.
/// 6. **Read what you wrote.** A snapshot stands at the least sequence that its reader asked for or later:
///    the reader's session gives it, so that it holds on whichever process the session goes on. Where the
///    store has not come so far, the read waits, five seconds at most, and is then refused with UNAVAILABLE.
/// 7. **The log.** Everything after ``StorageSnapshot/oldest`` can be read again, commit by commit, with
///    each row's image before and after; the images of one row are a chain. What is before it is refused
///    (OUT_OF_RANGE, HISTORY_COMPACTED), never left out. Whoever follows it by name (``ConsumerStep``) goes on,
///    also after the store was opened anew, where it last said that it was.
/// 8. **Once.** A request whose ``Mutation`` was done is not done again: its results come again, marked
///    `replayed`.
/// 9. **What others write** is given its place in the same order, exactly once, with what each row was and
///    became.
/// 10. **Rules.** What a request's ``WriteRules`` forbid does not happen, judged by the rows as they are in
///    the write's own transaction, what the request has written before among them; a row that they do not
///    show is treated as one that is not there, in the same words, and no answer carries it.
///
/// Who may block whom: reads never wait for writes, nor writes for reads; a read of a table waits, for a
/// bounded time, for the changes of others in that table alone; every queue has a bound, and what does not
/// fit is refused with RESOURCE_EXHAUSTED, metadata `limit`. A store that is closed or gone refuses
/// everything with UNAVAILABLE.
package protocol Storage: AnyObject, Sendable {
  /// Names the history that sequences and positions belong to; another one once the content was put back
  /// or replaced.
  var historyID: String { get }
  /// 32 bytes that sign what clients keep and bring again; the database's own, and secret.
  var tokenKey: [UInt8] { get }
  /// The tables that are served now.
  var catalog: Catalog { get }
  /// Tables that are not, and why; in order of name.
  var unservedTables: [UnservedTable] { get }
  /// Names of the tables whose history began when the store was opened; in order.
  var attachedAtStart: [String] { get }
  /// The last sequence that was committed and announced.
  var head: Sequence { get }
  /// Why nothing is served any more; nil: it is.
  var gone: DatasyncError? { get }

  /// What it is opened with, as far as those above must keep to it.
  var bounds: StorageBounds { get }

  // MARK: - Writes

  /// Queues a write; its answer comes in a batch.
  ///
  /// - Parameter startsNow: false: the caller has more, and calls ``startWriting()`` then; a writer that is
  ///   at work may take it on before.
  /// - Throws: RESOURCE_EXHAUSTED with a retry delay where the queue is full; UNAVAILABLE once closed.
  func submit(_ request: WriteRequest, startsNow: Bool) throws(DatasyncError)

  /// Lets what was submitted begin.
  func startWriting()

  /// Lets the writer go on, where it waits for whoever takes its batches.
  func resumeWriting()

  /// Takes back the writes that a session waits for, as far as they have not begun; nobody is told of them
  /// any more.
  ///
  /// - Returns: The requests' own numbers, in the order in which they were submitted; they are not answered.
  ///   Those that have begun are.
  func withdrawWrites(loop: Int, session: UInt64) -> [UInt64]

  /// Why a column would not keep a value as it is; nil where it would, or where the table has just changed.
  ///
  /// - Parameter index: The column's position in ``Table/columns``, neither the key's nor a system column's.
  func misfit(_ value: Value, _ index: Int, of table: Table) -> DatasyncError?

  /// Begins no write any more: those that wait and those that come are refused with UNAVAILABLE. Calls back
  /// when those that had begun are in a batch that was announced.
  func endWrites(_ ended: @escaping @Sendable () -> Void)

  // MARK: - Reads

  /// Whether the filter can be asked of the database, which its language or a limit of it may forbid.
  ///
  /// - Throws: INVALID_ARGUMENT, reason BAD_FILTER, with its position.
  func check(_ filter: Filter) throws(DatasyncError)

  /// Lends a snapshot, once, on a thread of the store's own; or says why there is none, then maybe on the
  /// caller's thread.
  func perform(_ read: StorageRead)

  // MARK: - What is seen from outside; cheap, from any thread

  /// How much there is to do and to keep.
  var load: StorageLoad { get }
  /// What it takes in memory, by account.
  var memory: [StorageMemory] { get }

  /// Writes what is queued, refuses what comes after and reads that wait, closes the database. A second
  /// time it does nothing.
  func close()
}

extension Storage {
  /// None: for stores that attach nothing when they are opened.
  package var attachedAtStart: [String] { [] }

  /// Accepts every filter: for stores that judge rows by the filter itself.
  package func check(_ filter: Filter) throws(DatasyncError) {}
  /// nil: for stores whose columns keep every value of their type as it is.
  package func misfit(_ value: Value, _ index: Int, of table: Table) -> DatasyncError? { nil }

  /// Runs a closure in a snapshot, and calls back on the same thread of the store.
  ///
  /// - Parameters:
  ///   - scope: What the closure may look at.
  ///   - atLeast: The last sequence that the reader knows of.
  ///   - client: Whose read it is: reads that are not short wait by client, which have turns.
  ///   - isShort: Whether it takes so little that it goes before those that scan.
  package func read<Result: Sendable>(
    _ scope: ReadScope, atLeast: Sequence = .zero, cancellation: (any ReadCancellation)? = nil,
    client: UInt64 = 0, isShort: Bool = false,
    _ body: @escaping @Sendable (any StorageSnapshot) throws(DatasyncError) -> Result,
    completion: @escaping @Sendable (Swift.Result<Result, DatasyncError>) -> Void
  ) {
    perform(
      StorageRead(
        scope: scope, atLeast: atLeast, cancellation: cancellation, client: client,
        isShort: isShort
      ) { snapshot in
        switch snapshot {
        case .failure(let error): completion(.failure(error))
        case .success(let snapshot):
          do throws(DatasyncError) {
            completion(.success(try body(snapshot)))
          } catch {
            completion(.failure(error))
          }
        }
      })
  }

  /// Queues a write, and starts.
  package func submit(_ request: WriteRequest) throws(DatasyncError) {
    try submit(request, startsNow: true)
  }
}

/// A table that is not served, and why. A value.
package struct UnservedTable: Hashable, Sendable {
  /// As the database has it.
  package let name: String
  /// For a person, who reads what to do about it where something can be done; a clause.
  package let reason: String

  package init(name: String, reason: String) {
    self.name = name
    self.reason = reason
  }
}
