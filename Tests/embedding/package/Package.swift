// swift-tools-version: 6.2
import PackageDescription

// As a package outside the repository has it.
let package = Package(
  name: "shop",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "datasync", path: "../../.."),
    .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.8.0"),
  ],
  targets: [
    // The server that README shows.
    .executableTarget(name: "Shop", dependencies: dependencies),
    // What else the library can do, driven by the tests.
    .executableTarget(name: "Lab", dependencies: dependencies),
    // A hook, as the guide to hooks shows it.
    .executableTarget(name: "Orders", dependencies: dependencies),
    // One who follows the change log by name.
    .executableTarget(name: "Follower", dependencies: dependencies),
  ]
)

var dependencies: [Target.Dependency] {
  [
    .product(name: "DatasyncServer", package: "datasync"),
    .product(name: "Logging", package: "swift-log"),
    .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
  ]
}
