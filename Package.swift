// swift-tools-version: 6.2
import PackageDescription

// Warnings are errors in our own targets; the features make imports say what they expose.
let settings: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  // Debug builds, which every test runs, check exclusivity; in release it took a sixth of a call. With the
  // tools version above the flag keeps nobody from depending on a version of this package.
  .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let asn1 = Target.Dependency.product(name: "SwiftASN1", package: "swift-asn1")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let coreMetrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let argumentParser = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser")
let lifecycle = Target.Dependency.product(
  name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(
  name: "UnixSignals", package: "swift-service-lifecycle")
let collections = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let heap = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

func target(_ name: String, _ dependencies: [Target.Dependency], path: String? = nil) -> Target {
  .target(name: name, dependencies: dependencies, path: path, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

// What untrusted bytes run through, as libFuzzer and the tests call it.
let fuzzTargets = target(
  "DatasyncFuzzTargets",
  [
    "DatasyncHTTP2", "DatasyncHTTP1", "DatasyncRPC", "DatasyncGRPCServices", "DatasyncMessages",
    "DatasyncModel",
    "DatasyncStore", "DatasyncServer", "DatasyncJSON", "DatasyncProtobuf", nioCore, nioEmbedded,
    logging,
  ], path: "Fuzz/Targets")

// Only where `tools/fuzz` asks for it: the program links nowhere else.
let fuzzRunner: [Target] =
  Context.environment["DATASYNC_FUZZ"] == nil
  ? []
  : [
    .systemLibrary(name: "CLibFuzzer", path: "Fuzz/CLibFuzzer"),
    .executableTarget(
      name: "datasync-fuzz", dependencies: ["DatasyncFuzzTargets", "CLibFuzzer"],
      path: "Fuzz/Runner", swiftSettings: settings),
  ]

let package = Package(
  name: "datasync",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "datasync", targets: ["datasync"]),
    .library(name: "DatasyncServer", targets: ["DatasyncServer"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.29.0"),
    .package(url: "https://github.com/apple/swift-asn1", from: "1.3.0"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.5.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.2.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.8.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    // System libraries and generated C.
    .systemLibrary(
      name: "CDatasyncNghttp2", pkgConfig: "libnghttp2",
      providers: [.apt(["libnghttp2-dev"]), .brew(["libnghttp2"])]),
    .systemLibrary(
      name: "CDatasyncProtobufC", pkgConfig: "libprotobuf-c",
      providers: [.apt(["libprotobuf-c-dev"]), .brew(["protobuf-c"])]),
    .systemLibrary(
      name: "CDatasyncSQLite", pkgConfig: "sqlite3",
      providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite"])]),
    .systemLibrary(
      name: "CDatasyncZlib", pkgConfig: "zlib",
      providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    // The files that the web listener serves: tools/pages lists them.
    .target(name: "CDatasyncPages", exclude: ["site"]),
    .target(name: "CDatasyncMessages", dependencies: ["CDatasyncProtobufC"]),
    .target(
      name: "CDatasyncGRPCMessages", dependencies: ["CDatasyncMessages", "CDatasyncProtobufC"]),
    .target(
      name: "CDatasyncTestMessages", dependencies: ["CDatasyncMessages", "CDatasyncProtobufC"]),

    // The data spine: knows no streams.
    target("DatasyncModel", []),
    target("DatasyncFilter", ["DatasyncModel"]),
    // Protobuf's JSON, by descriptor; knows neither streams nor tables.
    target("DatasyncJSON", ["DatasyncModel"]),
    // What a filter is in a dialect of SQL; one target for each.
    target("DatasyncFilterSQLite", ["DatasyncFilter", "DatasyncModel"]),
    // What every store promises, and what is asked of it.
    target("DatasyncStorage", ["DatasyncModel", "DatasyncFilter", collections]),
    target(
      "DatasyncStore",
      [
        "DatasyncModel", "DatasyncFilter", "DatasyncFilterSQLite", "DatasyncStorage",
        "CDatasyncSQLite", collections,
      ]),

    // Who may see and do what: credentials, principals and rules. Knows no streams and no store.
    target(
      "DatasyncAccess", ["DatasyncModel", "DatasyncFilter", crypto, cryptoExtras, yams]),

    // The wire spine: knows no rows.
    target("DatasyncHTTP2", ["CDatasyncNghttp2", nioCore, nioPosix, logging, collections]),
    target("DatasyncHTTP1", ["DatasyncHTTP2", nioCore]),
    target("DatasyncProtobuf", ["CDatasyncMessages", "CDatasyncProtobufC"]),
    target(
      "DatasyncRPC",
      [
        "DatasyncHTTP2", "DatasyncHTTP1", "CDatasyncZlib", nioCore, nioPosix, logging, collections,
        nioSSL, nioTLS, asn1, crypto, metrics,
      ]),
    // The services that gRPC itself describes, on any server of calls.
    target(
      "DatasyncGRPCServices",
      [
        "DatasyncRPC", "DatasyncHTTP2", "DatasyncProtobuf", "CDatasyncMessages",
        "CDatasyncGRPCMessages", nioCore,
      ]),

    // Where they meet.
    target("DatasyncMessages", ["DatasyncModel", "DatasyncProtobuf", "CDatasyncMessages"]),
    target(
      "DatasyncServer",
      [
        "DatasyncModel", "DatasyncFilter", "DatasyncAccess", "DatasyncStorage", "DatasyncStore",
        "DatasyncMessages", "DatasyncProtobuf", "DatasyncRPC", "DatasyncGRPCServices",
        "DatasyncJSON", "CDatasyncPages", nioCore, nioPosix, logging,
        collections, heap, lifecycle, metrics,
      ]),
    // What is counted, for Prometheus; knows nothing of us.
    target("DatasyncMetrics", [nioCore, nioPosix, nioHTTP1, coreMetrics]),
    .executableTarget(
      name: "datasync",
      dependencies: [
        "DatasyncModel", "DatasyncAccess", "DatasyncStorage", "DatasyncStore", "DatasyncServer",
        "DatasyncRPC", "DatasyncMessages", "DatasyncMetrics", nioCore, nioPosix, nioHTTP1,
        unixSignals, logging, argumentParser, metrics,
      ],
      swiftSettings: settings),

    // The test services of the public gRPC suites; stands on the wire spine alone.
    .executableTarget(
      name: "datasync-conformance",
      dependencies: [
        "DatasyncRPC", "DatasyncGRPCServices", "DatasyncHTTP2", "DatasyncProtobuf", "DatasyncJSON",
        "CDatasyncMessages", "CDatasyncTestMessages", nioCore, nioPosix, logging, argumentParser,
        unixSignals,
      ],
      swiftSettings: settings),

    fuzzTargets,
    tests("DatasyncFuzzTests", ["DatasyncFuzzTargets"]),
    tests("DatasyncMetricsTests", ["DatasyncMetrics", nioCore, nioPosix, coreMetrics]),
    tests("DatasyncModelTests", ["DatasyncModel"]),
    // Reads and writes JSON for other implementations to compare, and measures it.
    .executableTarget(
      name: "datasync-json-peer",
      dependencies: ["DatasyncJSON", "DatasyncMessages", "DatasyncModel", "DatasyncProtobuf"],
      path: "Tests/DatasyncJSONPeer", swiftSettings: settings),
    tests(
      "DatasyncJSONTests",
      ["DatasyncJSON", "DatasyncMessages", "DatasyncModel", "DatasyncProtobuf"]),
    tests(
      "DatasyncFilterTests",
      ["DatasyncFilter", "DatasyncFilterSQLite", "DatasyncModel", "CDatasyncSQLite"]),
    tests(
      "DatasyncAccessTests",
      ["DatasyncAccess", "DatasyncFilter", "DatasyncModel", crypto, cryptoExtras, yams]),
    .target(
      name: "CDatasyncFaultVFS", dependencies: ["CDatasyncSQLite"], path: "Tests/CDatasyncFaultVFS"),
    tests(
      "DatasyncStoreTests",
      [
        "DatasyncStore", "DatasyncStorage", "DatasyncModel", "DatasyncFilter", "CDatasyncSQLite",
        "CDatasyncFaultVFS",
      ]),
    // The laws of every store, and the store that is nothing but them.
    target(
      "DatasyncStorageTesting", ["DatasyncStorage", "DatasyncModel", "DatasyncFilter"],
      path: "Tests/DatasyncStorageTesting"),
    tests(
      "DatasyncStorageTests",
      [
        "DatasyncStorageTesting", "DatasyncStorage", "DatasyncStore", "DatasyncModel",
        "DatasyncFilter", "DatasyncFilterSQLite",
      ]),
    tests("DatasyncHTTP2Tests", ["DatasyncHTTP2", nioCore, nioPosix, nioEmbedded]),
    tests("DatasyncHTTP1Tests", ["DatasyncHTTP1", "DatasyncHTTP2", nioCore, nioEmbedded]),
    tests(
      "DatasyncRPCTests",
      [
        "DatasyncRPC", "DatasyncGRPCServices", "DatasyncHTTP2", "DatasyncHTTP1", "DatasyncProtobuf",
        nioCore, nioPosix, nioEmbedded, logging,
      ]),
    tests("DatasyncGRPCServicesTests", ["DatasyncGRPCServices", "DatasyncProtobuf"]),
    tests("DatasyncMessagesTests", ["DatasyncMessages", "DatasyncModel", "DatasyncProtobuf"]),
    tests(
      "DatasyncServerTests",
      [
        "DatasyncServer", "DatasyncAccess", "DatasyncStorageTesting", "DatasyncStorage",
        "DatasyncModel", "DatasyncMessages", "DatasyncRPC", nioCore, nioPosix, logging,
      ]),
  ] + fuzzRunner,
  swiftLanguageModes: [.v6]
)
