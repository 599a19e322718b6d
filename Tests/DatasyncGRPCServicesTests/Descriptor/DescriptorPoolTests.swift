import DatasyncGRPCServices
import DatasyncProtobuf
import Testing

struct DescriptorPoolTests {
  private let pool = DescriptorPool(
    fileDescriptorSets: [DescriptorSet.datasync, GRPCDescriptors.set])

  @Test(arguments: [
    "grpc.health.v1.Health", "grpc.health.v1.Health.Check",
    "grpc.health.v1.HealthCheckRequest", "grpc.health.v1.HealthCheckRequest.service",
    "grpc.health.v1.HealthCheckResponse.ServingStatus",
    "grpc.health.v1.HealthCheckResponse.SERVING",
    "grpc.health.v1.HealthListResponse.StatusesEntry",
  ])
  func `every kind of symbol leads to its file`(symbol: String) {
    #expect(pool.fileName(containing: symbol) == "grpc/health/v1/health.proto")
  }

  @Test func `a oneof is a symbol`() {
    #expect(
      pool.fileName(
        containing: "grpc.reflection.v1.ServerReflectionRequest.message_request")
        == "grpc/reflection/v1/reflection.proto")
  }

  @Test func `what is not there is not found`() {
    #expect(pool.fileName(containing: "grpc.health.v1") == nil)
    #expect(pool.fileName(containing: ".grpc.health.v1.Health") == nil)
    #expect(pool.fileName(containing: "") == nil)
    #expect(pool.file(named: "nothing.proto") == nil)
    #expect(pool.transitiveFiles(of: "nothing.proto").isEmpty)
    #expect(pool.extensionNumbers(of: "nothing") == nil)
  }

  @Test func `a file comes with all that it imports, itself first, each once`() {
    let names = pool.transitiveFiles(of: "datasync/v1/datasync.proto").map(\.name)
    #expect(names.first == "datasync/v1/datasync.proto")
    #expect(names.contains("google/protobuf/any.proto"))
    #expect(names.contains("google/rpc/status.proto"))
    #expect(Set(names).count == names.count)
  }

  @Test func `files made at run time come and go as a whole`() {
    // name "t.proto", package "t", message M { field f }.
    let field: [UInt8] = [0x0A, 1, UInt8(ascii: "f"), 0x18, 1, 0x20, 1, 0x28, 9]
    let message: [UInt8] = [0x0A, 1, UInt8(ascii: "M"), 0x12, UInt8(field.count)] + field
    let file: [UInt8] =
      [0x0A, 7] + Array("t.proto".utf8) + [0x12, 1, UInt8(ascii: "t"), 0x22, UInt8(message.count)]
      + message
    pool.replaceDynamic { [file, [0xFF, 0xFF]] }
    #expect(pool.fileName(containing: "t.M.f") == "t.proto")
    #expect(pool.file(named: "t.proto") == file)
    pool.replaceDynamic { [] }
    #expect(pool.fileName(containing: "t.M") == nil)
    #expect(pool.fileName(containing: "grpc.health.v1.Health") != nil)
  }

  @Test func `a set that is cut anywhere does no harm`() {
    let whole = DescriptorSet.datasync
    for count in stride(from: 0, to: whole.count, by: 997) {
      _ = DescriptorPool(fileDescriptorSets: [Array(whole.prefix(count))])
    }
  }
}
