import DatasyncFuzzTargets
import Foundation
import Testing

/// The inputs of `Fuzz/corpus`, which hold what was found once.
struct CorpusTests {
  @Test(arguments: FuzzTarget.allCases)
  func `every input of the corpus leaves the server whole`(_ target: FuzzTarget) throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fuzz/corpus/\(target.rawValue)")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(names.count >= 10)
    for name in names {
      let bytes = Array(try Data(contentsOf: folder.appendingPathComponent(name)))
      #expect(throws: Never.self, "\(target.rawValue)/\(name)") { try target.run(bytes) }
    }
  }
}
