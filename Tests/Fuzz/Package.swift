// swift-tools-version: 6.2
// The product's sources again, built for libFuzzer: `make fuzz` from the top. A package of its own, because every
// module must be built with other flags, and because the server's entry point must give way to the fuzzer's.
import PackageDescription

let package = Package(
  name: "fuzz",
  dependencies: [.package(url: "https://github.com/apple/swift-log", from: "1.16.2")],
  targets: [
    .target(name: "CKernels", linkerSettings: [.linkedLibrary("mvec", .when(platforms: [.linux]))]),
    .target(
      name: "CLapack", dependencies: ["CKernels"],
      linkerSettings: [.linkedLibrary(":liblapack.a"), .linkedLibrary(":libblas.a"), .linkedLibrary("m")]),
    .target(name: "CMicroHTTPD", linkerSettings: [.linkedLibrary("microhttpd")]),
    .target(name: "CEmbedded", cSettings: [.headerSearchPath(".")]),
    .target(name: "CCounters"),
    .target(name: "CSystem"),
    .target(name: "CDigest", linkerSettings: [.linkedLibrary("nettle")]),
    .target(name: "AutogradCore", dependencies: ["CKernels", "CLapack"]),
    .target(
      name: "AutogradFormats", dependencies: ["AutogradCore"], swiftSettings: [.unsafeFlags(["-enable-testing"])]),
    .target(
      name: "AutogradHTTP", dependencies: ["CMicroHTTPD", "CSystem"], swiftSettings: [.unsafeFlags(["-enable-testing"])]
    ),
    .target(
      name: "AutogradGraphs", dependencies: ["AutogradCore", "AutogradFormats", "CCounters", "CDigest", "CSystem"],
      swiftSettings: [.unsafeFlags(["-enable-testing"])]),
    .target(
      name: "AutogradServer",
      dependencies: [
        "AutogradCore", "AutogradFormats", "AutogradGraphs", "AutogradHTTP", "CEmbedded", "CCounters", "CSystem",
        .product(name: "Logging", package: "swift-log"),
      ],
      exclude: ["Main.swift", "Commands"], swiftSettings: [.unsafeFlags(["-enable-testing"])]),
    .executableTarget(
      name: "Fuzz", dependencies: ["AutogradServer", "AutogradFormats", "AutogradGraphs", "AutogradHTTP"],
      swiftSettings: [.unsafeFlags(["-parse-as-library"])]),
  ],
  swiftLanguageModes: [.v6]
)
