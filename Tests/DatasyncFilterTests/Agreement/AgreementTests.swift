import DatasyncFilter
import DatasyncFilterSQLite
import DatasyncModel
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

@Suite struct AgreementTests {
  /// The seed of `DATASYNC_SEED`, or another one each run.
  static func seed() -> UInt64 {
    getenv("DATASYNC_SEED").flatMap { UInt64(String(cString: $0)) }
      ?? UInt64.random(in: 0...9_999_999)
  }

  @Test func `SQL, the evaluator and a naive interpreter agree on every row`() throws {
    let seed = AgreementTests.seed()
    print("agreement: DATASYNC_SEED=\(seed)")
    var random = RandomSource(seed: seed)
    var pairs = 0
    var kept = 0
    while pairs < 120_000 {
      let generated = RowGenerator.table(&random)
      let table = generated.table
      let database = try TestDatabase()
      try database.execute(generated.declaration)
      let isLoose = random.chance(2)
      let rows = try RandomRows.insert(25, into: table, isLoose: isLoose, database, &random)
      var generator = FilterGenerator(table: table, random: RandomSource(seed: random.next()))
      // Where a value does not fit, what is stored is not null but what is read is: see SQLWriter.
      generator.testsColumnsForNull = !isLoose
      for _ in 0..<60 {
        let node = generator.filter()
        let text = node.text
        guard text.unicodeScalars.count <= FilterLimits.default.maxLength else { continue }
        let filter: Filter
        do {
          filter = try Filter(parsing: text, table: table)
        } catch {
          Issue.record("seed \(seed): \(text) is refused: \(error)")
          return
        }
        let now = random.pick(RowGenerator.moments)
        let sql = filter.sql(now: now)
        let found = try database.run("SELECT rowid FROM t WHERE \(sql.text)", sql.bindings)
        let inSQL = Set(found.map { $0[0] })
        for row in rows {
          let expected = NaiveInterpreter(row: row.naive, now: now).isTrue(node)
          let evaluated = try filter.matches(row.values, now: now)
          let selected = inSQL.contains(row.rowid)
          pairs += 1
          if expected { kept += 1 }
          guard expected == evaluated, expected == selected else {
            Issue.record(
              """
              seed \(seed): expected \(expected), evaluator \(evaluated), SQL \(selected)
              filter: \(text)
              sql: \(sql.text) \(sql.bindings)
              row: \(zip(table.columns, row.values).map { "\($0.name)=\($1)" })
              stored: \(row.stored)
              """)
            return
          }
          // What a matching row must hold, it holds.
          if evaluated {
            for (column, value) in filter.equalities where row.values[column] != value {
              Issue.record("seed \(seed): \(text) says \(column) = \(value) of \(row.values)")
              return
            }
          }
        }
      }
    }
    print("agreement: \(pairs) pairs, \(kept) kept")
    #expect(pairs >= 100_000)
    #expect(kept > pairs / 10 && kept < pairs * 9 / 10, "the filters must tell rows apart")
  }
}
