import DatasyncStorageTesting
import Testing

/// What every store must do, asked of each that there is.
@Suite struct StorageLawsTests {
  @Test(arguments: StorageLaws.all)
  func `SQLite keeps the law`(law: StorageLaw) throws {
    for seed in 1...2 as ClosedRange<UInt64> { try law.check(SQLiteSubject(), seed: seed) }
  }

  @Test(arguments: StorageLaws.all)
  func `memory keeps the law`(law: StorageLaw) throws {
    for seed in 1...5 as ClosedRange<UInt64> { try law.check(MemorySubject(), seed: seed) }
  }

  @Test(arguments: MemoryFault.allCases)
  func `a store with this fault breaks a law`(fault: MemoryFault) throws {
    let subject = MemorySubject(fault: fault, patience: .milliseconds(400))
    let laws = StorageLaws.all.filter { $0.number == fault.law }
    let isNoticed = laws.contains { law in
      do {
        try law.check(subject)
        return false
      } catch {
        return error is BrokenLaw
      }
    }
    #expect(isNoticed, "law \(fault.law.rawValue) does not notice \(fault)")
  }
}
