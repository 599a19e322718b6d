import Testing

@testable import DatasyncStore

struct CheckReportTests {
  @Test func `what is found beyond the bound is counted, and said`() {
    var report = CheckReport()
    for number in 0..<CheckReport.maxFindings { report.add("damaged", table: "t", id: "\(number)") }
    #expect(report.furtherCount == 0)
    #expect(!report.description.contains("more"))
    for number in 0..<234 { report.add("damaged as well", table: "t", id: "\(number)") }
    #expect(report.findings.count == CheckReport.maxFindings)
    #expect(report.description.hasSuffix("\nand 234 more"))
    #expect(!report.isSound)
  }
}
