import AutogradTestSupport
import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradGraphs
@testable import AutogradHTTP
@testable import AutogradServer

/// What is in the folder of `--graphs`, and what others do to it.
@Suite struct GraphFolderTests {
  private func path(_ server: GraphsServer, _ name: String) throws -> URL {
    try #require(server.folder).appending(path: name)
  }

  @Test func aVersionIsAFile() throws {
    let server = try GraphsServer(.folder)
    server.put("fit", "y = x")
    server.put("fit", "y = 2 * x")
    let file = try Data(contentsOf: try path(server, "fit/2"))
    let end = try #require(file.firstIndex(of: UInt8(ascii: "\n")))
    #expect((end + 1) % 64 == 0 && file[(end + 1)...] == Data("y = 2 * x".utf8))
    let line = try #require(try JSONSerialization.jsonObject(with: file[..<end]) as? [String: Any])
    #expect(line["name"] as? String == "fit" && line["version"] as? Int == 2 && line["bytes"] as? Int == 9)
    let files = try FileManager.default.contentsOfDirectory(atPath: try path(server, "fit").path)
    #expect(files.sorted() == ["1", "2"], "no drafts are left")
    server.delete("fit")
    #expect(try FileManager.default.contentsOfDirectory(atPath: try path(server, "fit").path) == ["3"])
    // A server that starts finds all.
    server.put("fit", "y = 4 * x")
    #expect(try FileManager.default.contentsOfDirectory(atPath: try path(server, "fit").path) == ["4"])
    let other = try GraphsServer(.folder, sharing: server)
    #expect(other.get("/fit@4/source").body.string == "y = 4 * x")
  }

  /// Two servers on one folder see each other's changes within a second.
  @Test func twoServers() throws {
    let one = try GraphsServer(.folder)
    let other = try GraphsServer(.folder, sharing: one)
    one.put("fit", "y = x")
    #expect(other.get("/fit").json["version"] as? Int == 1, "a new name at once")
    one.put("fit", "y = 2 * x")
    #expect(eventually(within: 3) { other.get("/fit").json["version"] as? Int == 2 })
    #expect(other.put("fit", "y = 3 * x", ifMatch: "\"2\"").status == 200)
    #expect(one.put("fit", "y = 4 * x", ifMatch: "\"2\"").status == 412, "writers always look")
    one.delete("fit")
    #expect(eventually(within: 3) { other.get("/fit").status == 404 })
    #expect(eventually(within: 3) { other.get("").json["graphs"] as? [String] == [] })
  }

  @Test(
    arguments: [
      "cut", "longer", "changed", "noHeader", "otherName", "folder", "empty",
    ])
  func damage(_ fault: String) throws {
    let server = try GraphsServer(.folder)
    server.put("fit", "y = x")
    server.put("fit", "y = 2 * x")
    server.put("rest", "y = x")
    let file = try path(server, "fit/2")
    var bytes = try Data(contentsOf: file)
    switch fault {
    case "cut": bytes.removeLast()
    case "longer": bytes.append(65)
    case "changed": bytes[bytes.count - 1] = UInt8(ascii: "w")
    case "noHeader": bytes = Data("y = 2 * x".utf8)
    case "otherName": try FileManager.default.copyItem(at: file, to: try path(server, "rest/2"))
    case "empty": bytes = Data()
    default:
      try FileManager.default.removeItem(at: file)
      try FileManager.default.createDirectory(at: file, withIntermediateDirectories: false)
    }
    if fault != "folder" { try bytes.write(to: file) }
    // As a server that starts.
    let fresh = try GraphsServer(.folder, sharing: server)
    try fresh.store.verify()
    let name = fault == "otherName" ? "rest" : "fit"
    #expect(fresh.store.damagedCount == 1)
    for response in [
      fresh.get("/\(name)"), fresh.get("/\(name)/source"), fresh.get("/\(name)@2"),
      fresh.post("\(name)/evaluate", #"{"inputs": {"x": 1}}"#),
    ] {
      #expect(response.status == 500 && response.code == "damaged_graph", "\(fault): \(response.body.string)")
    }
    #expect(fresh.get("/\(name)@1/source").body.string == "y = x", "the others serve")
    #expect(fresh.get("").status == 200)
    let mended = fresh.put(name, "y = 5 * x")
    #expect(mended.json["version"] as? Int == 3 && fresh.get("/\(name)").status == 200, "\(mended.body.string)")
    try fresh.store.verify()
    fresh.store.letGoOfOld()
    #expect(fresh.store.damagedCount == 0)
  }

  @Test func filesThatAreKeptByHand() throws {
    let server = try GraphsServer(.folder)
    try Data("y = 2 * x".utf8).write(to: try path(server, "fit.txt"))
    try Data(#"{"nodes": [{"op": "neg", "inputs": ["x"], "outputs": ["y"]}]}"#.utf8)
      .write(to: try path(server, "neg.json"))
    try Data("y = ".utf8).write(to: try path(server, "broken.txt"))
    for name in [".hidden.txt", "readme.md", "1.txt", "notes"] { try Data().write(to: try path(server, name)) }
    let fit = server.get("/fit")
    #expect(fit.json["version"] as? Int == 1 && fit.json["read_only"] as? Bool == true)
    let tag = try #require(fit.header("ETag"))
    #expect(tag.wholeMatch(of: /"1-[0-9a-f]{8}"/) != nil)
    #expect(server.get("/neg/source").contentType == "application/json")
    #expect((server.get("").json["graphs"] as? [Any])?.count == 3)
    #expect(server.put("fit", "y = x").code == "read_only" && server.delete("fit").code == "read_only")
    #expect(server.post("fit/evaluate", #"{"inputs": {"x": 3}, "gradients": false}"#).body.string.contains("6.0"))
    let broken = server.post("broken/evaluate", #"{"inputs": {"x": 3}}"#)
    #expect(broken.code == "invalid_formula" && broken.json["graph"] as? String == "broken@1")
    #expect(broken.json["line"] as? Int == 1 && broken.json["pointer"] == nil, "\(broken.body.string)")
    // Somebody changes it underneath.
    try Data("y = 7 * x".utf8).write(to: try path(server, "fit.txt"))
    #expect(
      eventually(within: 5) {
        server.post("fit/evaluate", #"{"inputs": {"x": 3}, "gradients": false}"#).body.string.contains("21.0")
      })
    #expect(server.get("/fit").header("ETag") != tag)
    // As a ConfigMap changes: by a link to another folder.
    try FileManager.default.createDirectory(at: try path(server, "..data"), withIntermediateDirectories: false)
    try Data("y = 8 * x".utf8).write(to: try path(server, "..data/linked.txt"))
    try FileManager.default.createSymbolicLink(
      atPath: try path(server, "linked.txt").path, withDestinationPath: "..data/linked.txt")
    #expect(server.get("/linked/source").body.string == "y = 8 * x")
  }

  @Test func twoFilesOfOneName() throws {
    let server = try GraphsServer(.folder)
    try Data("y = x".utf8).write(to: try path(server, "a.txt"))
    try Data(#"{"nodes": []}"#.utf8).write(to: try path(server, "a.json"))
    server.put("b", "y = x")
    try Data("y = x".utf8).write(to: try path(server, "b.txt"))
    let fresh = try GraphsServer(.folder, sharing: server)
    for name in ["a", "b"] { #expect(fresh.get("/\(name)").code == "damaged_graph", "\(name)") }
  }

  /// What is left of a writer that was killed disturbs nobody, and nothing of it is ever read.
  @Test func drafts() throws {
    let server = try GraphsServer(.folder)
    server.put("fit", "y = x")
    try Data("y".utf8).write(to: try path(server, "fit/.2-1234-1"))
    try FileManager.default.createDirectory(at: try path(server, "begun"), withIntermediateDirectories: false)
    try Data("y".utf8).write(to: try path(server, "begun/.1-1234-1"))
    let fresh = try GraphsServer(.folder, sharing: server)
    #expect((fresh.get("").json["graphs"] as? [Any])?.count == 1 && fresh.get("/begun").status == 404)
    #expect(fresh.put("fit", "y = 2*x").json["version"] as? Int == 2)
    #expect(fresh.put("begun", "y = x").status == 201)
  }

  /// A deletion that was interrupted before the old versions were removed is a deletion all the same.
  @Test func interruptedDeletion() throws {
    let server = try GraphsServer(.folder)
    server.put("fit", "y = x")
    server.put("fit", "y = 2*x")
    let old = try Data(contentsOf: try path(server, "fit/1"))
    server.delete("fit")
    try old.write(to: try path(server, "fit/1"))
    let fresh = try GraphsServer(.folder, sharing: server)
    #expect(fresh.get("/fit@1").status == 404 && fresh.get("/fit").status == 404)
    #expect(fresh.put("fit", "y = 3*x").json["version"] as? Int == 4)
    #expect(fresh.get("/fit@1").status == 404)
    #expect((fresh.get("/fit/versions").json["versions"] as? [Any])?.count == 1)
  }

  @Test func foldersThatCannotBeWritten() throws {
    // Even for root there is no making files there.
    guard let storage = try? DirectoryStorage("/proc/self", limits: StoreLimits(), changes: StoreChanges()) else {
      return
    }
    let store = GraphStore(storage, Limits().storedGraphs)
    let name = try #require(GraphName("fit"))
    #expect(throws: StoreFailure.self) {
      _ = try Data("y = x".utf8).withUnsafeBytes { bytes in
        let graph = try store.check(
          StoredBytes(bytes, owner: store), as: .formula, name: name, assemblesIn: { _ in }, reserve: { _ in true })
        _ = try store.put(graph) { _ in true }
      }
    }
    #expect(throws: StoreError.self) {
      _ = try DirectoryStorage("/dev/null/graphs", limits: StoreLimits(), changes: StoreChanges())
    }
  }
}
