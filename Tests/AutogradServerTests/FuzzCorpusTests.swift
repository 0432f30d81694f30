import Foundation
import Testing

/// Every input that the fuzzers have kept, once. `make fuzz` looks for more, with the sanitizers; here they are built
/// with everything else, and whatever they found stays mended.
struct FuzzCorpusTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fuzz/Corpus")

  @Test(arguments: FuzzParts.all.keys.sorted()) func everyKeptInputIsTaken(part name: String) throws {
    let part = try #require(FuzzParts.all[name])
    let scratch = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: scratch) }
    let unpacking = Process()
    unpacking.executableURL = URL(filePath: "/usr/bin/tar")
    unpacking.arguments = ["-xzf", Self.folder.appending(path: "\(name).tar.gz").path, "-C", scratch.path]
    try unpacking.run()
    unpacking.waitUntilExit()
    try #require(unpacking.terminationStatus == 0)
    let files = try FileManager.default.contentsOfDirectory(at: scratch, includingPropertiesForKeys: nil)
    #expect(files.count > 4)
    for file in files { try Data(contentsOf: file).withUnsafeBytes { part($0) } }
  }
}
