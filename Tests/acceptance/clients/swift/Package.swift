// swift-tools-version: 6.1
import PackageDescription

// A client of its own, apart from the server's package: what a user of `datasync proto` would write,
// with swift-protobuf for the messages and nghttp2 beneath the calls.
let package = Package(
  name: "client",
  dependencies: [
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: [])
  ],
  targets: [
    .systemLibrary(name: "CNghttp2", pkgConfig: "libnghttp2"),
    .executableTarget(
      name: "client",
      dependencies: ["CNghttp2", .product(name: "SwiftProtobuf", package: "swift-protobuf")]),
  ],
  swiftLanguageModes: [.v6]
)
