// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]
let strictC: [CSetting] = [.treatAllWarnings(as: .error)]

// The vector functions of glibc (Sources/CKernels/libmvec.S). What builds is what runs: cross-compiling to another
// platform is not meant.
#if os(Linux) && arch(x86_64) && canImport(Glibc)
  let vectorFunctions: [LinkerSetting] = [.linkedLibrary("mvec")]
#else
  let vectorFunctions: [LinkerSetting] = []
#endif

// For a small idle server: pointers that the loader must set in a form 30 times shorter than the old one (a megabyte),
// libstdc++ from its archive (another), no table of our own functions for libraries to find, which none does.
// Flags are "unsafe" to SwiftPM in whatever another package depends on; on the executable alone they leave the library
// usable.
#if os(Linux) && canImport(Glibc)
  let small: [LinkerSetting] = [
    .unsafeFlags([
      "-use-ld=lld", "-L\(Context.packageDirectory)/Sources/AutogradServer/Linking",
      "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs", "-Xlinker", "--no-export-dynamic",
    ])
  ]
#else
  let small: [LinkerSetting] = []
#endif

let package = Package(
  name: "autograd-server",
  products: [
    .library(name: "AutogradCore", targets: ["AutogradCore"]),
    .library(name: "AutogradGraphs", targets: ["AutogradGraphs"]),
    .executable(name: "autograd-server", targets: ["AutogradServer"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  ],
  targets: [
    // C, each as thin as it can be.
    .target(name: "CKernels", cSettings: strictC, linkerSettings: vectorFunctions),
    // The archives of LAPACK and BLAS, so that what a machine takes for BLAS cannot change results.
    .target(
      name: "CLapack", dependencies: ["CKernels"], cSettings: strictC,
      linkerSettings: [.linkedLibrary(":liblapack.a"), .linkedLibrary(":libblas.a"), .linkedLibrary("m")]),
    .target(name: "CMicroHTTPD", cSettings: strictC, linkerSettings: [.linkedLibrary("microhttpd")]),
    .target(name: "CEmbedded", cSettings: strictC),
    .target(name: "CCounters", cSettings: strictC),
    .target(name: "CSystem", cSettings: strictC),
    .target(name: "CDigest", cSettings: strictC, linkerSettings: [.linkedLibrary("nettle")]),

    // The library: graphs, derivatives, plans. No HTTP, no JSON.
    .target(name: "AutogradCore", dependencies: ["CKernels", "CLapack"], swiftSettings: strict),

    // Bytes to numbers, tensors and documents, and back. No HTTP, no graphs.
    .target(name: "AutogradFormats", dependencies: ["AutogradCore"], swiftSettings: strict),

    // What somebody wrote to graphs of the library, and the graphs that are kept under names. No HTTP, no requests.
    .target(
      name: "AutogradGraphs", dependencies: ["AutogradCore", "AutogradFormats", "CCounters", "CDigest", "CSystem"],
      swiftSettings: strict),

    // HTTP: requests, answers, routes, connections, threads and queues. Knows nothing of what is served.
    .target(name: "AutogradHTTP", dependencies: ["CMicroHTTPD", "CSystem"], swiftSettings: strict),

    // The server.
    .executableTarget(
      name: "AutogradServer",
      dependencies: [
        "AutogradCore", "AutogradFormats", "AutogradGraphs", "AutogradHTTP", "CEmbedded", "CCounters", "CSystem",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      exclude: ["Linking"], swiftSettings: strict, linkerSettings: small),

    .target(
      name: "AutogradTestSupport", dependencies: ["AutogradCore"],
      path: "Tests/AutogradTestSupport", swiftSettings: strict),
    .target(
      name: "AutogradHTTPTestSupport", dependencies: ["AutogradHTTP", "AutogradTestSupport"],
      path: "Tests/AutogradHTTPTestSupport", swiftSettings: strict),
    .testTarget(
      name: "AutogradCoreTests", dependencies: ["AutogradCore", "AutogradTestSupport", "CKernels"],
      swiftSettings: strict),
    .testTarget(
      name: "AutogradGraphsTests",
      dependencies: ["AutogradGraphs", "AutogradFormats", "AutogradCore", "AutogradTestSupport", "CSystem"],
      swiftSettings: strict),
    .testTarget(
      name: "AutogradHTTPTests", dependencies: ["AutogradHTTP", "AutogradHTTPTestSupport", "AutogradTestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "AutogradServerTests",
      dependencies: [
        "AutogradServer", "AutogradFormats", "AutogradGraphs", "AutogradHTTP", "AutogradHTTPTestSupport",
        "AutogradTestSupport",
      ],
      swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
