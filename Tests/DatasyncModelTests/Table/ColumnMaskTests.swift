import DatasyncModel
import Testing

struct ColumnMaskTests {
  @Test func `a column is in it or not; from the 64th on all are or none`() {
    let mask = ColumnMask([0, 5, 62])
    #expect((0..<100).filter(mask.contains) == [0, 5, 62])
    #expect((0..<100).filter(ColumnMask([70]).contains) == Array(63..<100))
    #expect((0..<100).allSatisfy(ColumnMask.all.contains))
    #expect(!(0..<100).contains(where: ColumnMask([]).contains))
  }

  @Test func `one mask holds another where all of its columns are in it`() {
    #expect(ColumnMask([1, 2, 3]).contains(ColumnMask([1, 3])))
    #expect(!ColumnMask([1, 3]).contains(ColumnMask([1, 2])))
    #expect(ColumnMask([]).contains(ColumnMask([])))
    #expect(ColumnMask.all.contains(ColumnMask([63])))
  }
}
