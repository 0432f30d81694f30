import AutogradTestSupport
import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradGraphs
@testable import AutogradHTTP
@testable import AutogradServer

/// What must not come of registered graphs that are wrong, large, or put there by somebody else.
@Suite struct StoredFaultTests {
  /// A PUT that is refused takes no version and changes nothing.
  @Test(
    arguments: [
      "y = x + [[1, 2], [3]]", "y = x + [1, true]", "y = x + [[], [1]]", "y = x + [[[[[[[[[1]]]]]]]]]",
      "y = nothing(x)",
      #"{"nodes": [{"op": "add", "inputs": ["x", [[1, 2], [3]]], "outputs": ["y"]}]}"#,
      #"{"graph": {"nodes": [{"op": "add", "inputs": ["x", ["a"]], "outputs": ["y"]}]}}"#,
      "def f(a) {\n  b = a + [[1], 2]\n  return b\n}\ny = f(x)",
    ], GraphsServer.Kind.allCases)
  func refusedPutsStoreNothing(source: String, kind: GraphsServer.Kind) throws {
    let server = try GraphsServer(kind)
    let refused = server.put("fit", source)
    #expect([400, 413, 422].contains(refused.status), "\(refused.body.string)")
    #expect(refused.json["pointer"] != nil)
    if source.first != "{" { #expect(refused.json["line"] as? Int == (source.hasPrefix("def") ? 2 : 1)) }
    #expect(server.get("/fit").status == 404)
    server.put("fit", "y = x")
    #expect(server.put("fit", source).status == refused.status)
    #expect(server.get("/fit").json["version"] as? Int == 1)
  }

  /// Lists that are sound in one dtype are taken.
  @Test func listsOfEveryDTypeAreTaken() throws {
    let server = try GraphsServer(.memory)
    for source in ["y = x & [true, false]", "y = take(x, [0, 1], axis=0)", "y = x + [1, NaN]", "y = x + []"] {
      #expect(server.put("fit", source).status < 300, "\(source)")
    }
  }

  /// A client that sends finite numbers learns of NaN each time, not only while there is no plan yet.
  @Test func warningsDoNotDependOnPlans() throws {
    let server = try GraphsServer(.memory, plans: PlanCache(plans: 8, bytes: 1 << 20))
    server.put("fit", "input w: float64[2] = [-1, -2]\ninput x: float64[2]\ny = log(w) * x")
    let answers = (0..<5).map { _ in server.post("fit/evaluate", #"{"inputs": {"x": [1, 2]}}"#) }
    for answer in answers {
      #expect(answer.json["warnings"] as? [[String: String]] == answers[0].json["warnings"] as? [[String: String]])
      #expect((answer.json["warnings"] as? [Any])?.isEmpty == false)
    }
  }

  /// Memory is counted in pages, of which the smallest graph takes one.
  @Test func smallGraphsCountAsWhatTheyTake() throws {
    var stored = StoreLimits()
    (stored.bytes, stored.overhead) = (1 << 20, 1 << 20)
    let server = try GraphsServer(.memory, stored: stored)
    let most = 2 * (1 << 20) / Int(getpagesize())
    let answers = (0..<most).map { server.put("fit", "y = x + \($0)").status }
    #expect(answers.prefix(most / 4).allSatisfy { $0 < 300 } && answers.last == 507, "\(answers)")
  }

  /// What has been read stays for as many small graphs as a server keeps, and for few of which each takes much.
  @Test func graphsThatAreReadStayAsLongAsThereIsRoom() throws {
    let server = try GraphsServer(.memory)
    for index in 0..<600 {
      server.put("g\(index)", "y = x + \(index)")
      #expect(server.post("g\(index)/evaluate", #"{"inputs": {"x": 1}}"#).status == 200)
    }
    #expect(server.store.newest("g0") != nil && server.store.newest("g599") != nil)
    let large = "y = x" + String(repeating: "+x", count: 99_000)
    for index in 0..<9 {
      server.put("l\(index)", large + "+\(index)")
      _ = try server.store.graph(GraphReference(name: try #require(GraphName("l\(index)"))))
    }
    #expect(server.store.newest("g0") == nil && server.store.newest("l8") != nil)
  }

  // MARK: The folder

  @Test(arguments: ["\(Int.max)", "9007199254740993", "99999999999999999999"])
  func numbersThatNoVersionHas(number: String) throws {
    let server = try GraphsServer(.folder)
    let folder = try #require(server.folder).appending(path: "fit")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    try Data("x".utf8).write(to: folder.appending(path: number))
    #expect(server.put("fit", "y = x").json["version"] as? Int == 1)
    #expect(server.delete("fit").status == 204)
  }

  @Test(arguments: [("\"bytes\": 9", "\"bytes\": \(Int.max)"), ("\"created\": ", "\"created\": \(Int.max / 10)")])
  func headersWithHugeNumbers(from old: String, to new: String) throws {
    let server = try GraphsServer(.folder)
    server.put("fit", "y = 2 * x")
    let file = try #require(server.folder).appending(path: "fit/1")
    let text = try String(contentsOf: file, encoding: .utf8)
    try #require(text.contains(old))
    try Data(text.replacingOccurrences(of: old, with: new).utf8).write(to: file)
    let fresh = try GraphsServer(.folder, sharing: server)
    try fresh.store.verify()
    #expect(fresh.get("/fit/source").code == "damaged_graph")
    #expect(fresh.store.damagedCount == 1)
  }

  @Test func namesOfFilesThatAreKeptByHand() throws {
    let server = try GraphsServer(.folder)
    try Data("y = x".utf8).write(to: try #require(server.folder).appending(path: "hand.txt"))
    let refused = server.put("hand.txt", "y = x")
    #expect(refused.status == 403 && refused.code == "read_only", "\(refused.body.string)")
    #expect(server.get("/hand").json["read_only"] as? Bool == true)
  }

  /// Files that are kept by hand are read at the start, and what is wrong with them is told.
  @Test func filesByHandAreLookedAt() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try Data("y = x +* 1".utf8).write(to: folder.appending(path: "bad.txt"))
    try Data("y = x".utf8).write(to: folder.appending(path: "good.txt"))
    let reports = Guarded<[String]>([])
    let storage = try DirectoryStorage(folder.path, limits: StoreLimits(), changes: StoreChanges())
    let store = GraphStore(storage, Limits().storedGraphs) { text in reports.withLock { $0.append(text) } }
    try store.verify()
    let told = reports.withLock { $0 }
    #expect(told.count == 1 && told[0].hasPrefix("the graph bad cannot be read: expected a value"), "\(told)")
    // Two files for one name are seen when the graphs are counted, although nobody asks for them.
    try Data("{}".utf8).write(to: folder.appending(path: "good.json"))
    #expect(
      eventually(within: 3) {
        _ = try? store.count()
        return store.damagedCount == 1
      })
    #expect(reports.withLock { $0.count } == 2)
  }

  /// Writers of one name on two servers, and one who deletes it: an answered version is the only one of its number.
  @Test func writersOfOneName() throws {
    let one = try GraphsServer(.folder)
    let servers = [one, try GraphsServer(.folder, sharing: one)]
    let answered = Guarded<[Int: [String]]>([:])
    DispatchQueue.concurrentPerform(iterations: 5) { writer in
      for round in 0..<40 {
        let server = servers[writer % 2]
        if writer == 4 {
          if round % 4 == 0 { server.delete("fit") }
          continue
        }
        let source = "y = x + \(writer * 1000 + round)"
        let answer = server.put("fit", source)
        guard answer.status < 300, let version = answer.json["version"] as? Int else { continue }
        answered.withLock { $0[version, default: []].append(source) }
      }
    }
    let all = answered.withLock { $0 }
    #expect(all.count > 100 && all.values.allSatisfy { $0.count == 1 }, "\(all.filter { $0.value.count > 1 })")
  }

  /// What limits count is looked at by one writer at a time, also for names that were deleted.
  @Test func limitsHoldForNamesThatWereDeleted() throws {
    var stored = StoreLimits()
    stored.graphs = 3
    let one = try GraphsServer(.folder, stored: stored)
    let servers = [one, try GraphsServer(.folder, stored: stored, sharing: one)]
    for index in 0..<12 {
      #expect(one.put("g\(index)", "y = x").status == 201)
      #expect(one.delete("g\(index)").status == 204)
    }
    DispatchQueue.concurrentPerform(iterations: 12) { servers[$0 % 2].put("g\($0)", "y = x") }
    #expect((one.get("").json["graphs"] as? [Any])?.count == 3)
  }

  /// A file that is kept by hand changes between the look at it and the reading of it.
  @Test func filesByHandThatChange() throws {
    let server = try GraphsServer(.folder)
    let file = try #require(server.folder).appending(path: "f.txt")
    func replace(_ text: String) throws {
      let other = file.deletingLastPathComponent().appending(path: ".new")
      try Data(text.utf8).write(to: other)
      guard rename(other.path, file.path) == 0 else { throw POSIXError(.EIO) }
    }
    try replace("y = x * 3")
    #expect(server.get("/f", ifNoneMatch: "*").status == 304, "known, but not read")
    try replace("y = x * 5")
    let answer = server.post("f/evaluate", #"{"inputs": {"x": 1}}"#)
    let source = server.get("/f/source")
    #expect(answer.body.string.contains("5"))
    #expect(source.body.string == "y = x * 5" && source.header("ETag") == server.get("/f").header("ETag"))
    try replace("y = x * 3")
    #expect(
      eventually(within: 3) { server.post("f/evaluate", #"{"inputs": {"x": 1}}"#).body.string.contains(" 3") })
  }

  /// The files of a graph are put back as they were before it was deleted.
  @Test func anOlderFolderIsPutBack() throws {
    let server = try GraphsServer(.folder)
    let files = FileManager.default
    let folder = try #require(server.folder)
    server.put("fit", "y = x")
    try files.copyItem(at: folder.appending(path: "fit"), to: folder.appending(path: ".back"))
    server.delete("fit")
    server.put("fit", "y = 2 * x")
    #expect((server.get("/fit/versions").json["versions"] as? [Any])?.count == 1)
    try files.removeItem(at: folder.appending(path: "fit"))
    try files.moveItem(at: folder.appending(path: ".back"), to: folder.appending(path: "fit"))
    #expect(eventually(within: 3) { server.get("/fit").json["version"] as? Int == 1 })
    #expect((server.get("/fit/versions").json["versions"] as? [Any])?.count == 1)
  }

  /// What cannot be read is not written over.
  @Test(arguments: ["link", "loop", "fifo"]) func filesByHandThatCannotBeRead(kind: String) throws {
    let server = try GraphsServer(.folder)
    let file = try #require(server.folder).appending(path: "f.txt").path
    switch kind {
    case "link": symlink("/nowhere", file)
    case "loop": symlink(file, file)
    default: mkfifo(file, 0o644)
    }
    #expect(server.put("f", "y = x").code == "read_only")
    #expect(server.get("/f").code == "damaged_graph")
  }

  @Test func parametersOfAnotherRequest() throws {
    let server = try GraphsServer(.memory)
    server.put("fit", "y = x")
    let refused = server.send("DELETE", "/v1/graphs/fit?version=1", Data())
    #expect(refused.code == "unknown_member" && refused.json["pointer"] as? String == "/version")
    #expect(server.get("/fit").status == 200)
  }

  @Test func textsThatAreNotUTF8() throws {
    let server = try GraphsServer(.memory)
    let refused = server.send("PUT", "/v1/graphs/f", Data("b = x\n`a".utf8) + [0xff] + Data("` = x".utf8))
    #expect(refused.code == "invalid_formula" && refused.json["line"] as? Int == 2, "\(refused.body.string)")
    let posted = server.send("POST", "/v1/evaluate?x=1", Data("y = x".utf8) + [0xff], type: "text/plain")
    #expect(posted.code == "invalid_formula" && posted.json["column"] as? Int == 6, "\(posted.body.string)")
  }
}
