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
      "y = x + [[1, 2], [3]]", "y = x + [1, true]", "y = x + [[], [1]]", "y = x + [[[[[[[[[1]]]]]]]]]", "y = nothing(x)",
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
}
