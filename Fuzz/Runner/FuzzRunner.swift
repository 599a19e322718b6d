import CLibFuzzer
import DatasyncFuzzTargets
import Foundation

/// libFuzzer over one of the targets, named by DATASYNC_FUZZ_TARGET; the arguments are libFuzzer's.
/// In the environment, since libFuzzer starts itself again for some of its work.
@main
enum FuzzRunner {
  private static let target = ProcessInfo.processInfo.environment["DATASYNC_FUZZ_TARGET"]
    .flatMap { FuzzTarget(rawValue: $0) }

  static func main() {
    guard target != nil else {
      let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: ", ")
      print("DATASYNC_FUZZ_TARGET names a target: \(names)")
      exit(2)
    }
    var count = CommandLine.argc
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
    exit(
      LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
        FuzzRunner.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
        return 0
      })
  }

  private static func run(_ bytes: [UInt8]) {
    do {
      try target?.run(bytes)
    } catch {
      // libFuzzer keeps the input and says where it is.
      FileHandle.standardError.write(Data("\(error)\n".utf8))
      abort()
    }
  }
}
