import Foundation
import Testing

@testable import AutogradServer

/// Good requests, damaged at random: whatever comes, the server answers, and never with a fault of its own.
@Suite struct MutationTests {
  /// What numbers, names and values are replaced by: edges of every range that a check could forget.
  private static let replacements: [String] = [
    "0", "-1", "1", "2", "8", "9", "64", "-9223372036854775808", "9223372036854775807", "9223372036854775808", "1e308",
    "1e400", "-0.0",
    "4611686018427387904", "1099511627776", "1099511627777", "0.5", "1e-400", "\"NaN\"", "\"Infinity\"", "null", "true",
    "false", "[]",
    "{}", "[[]]", "[[],[]]",
    "[[1],[2,3]]", "\"\"", "\"x\"", "\"_1\"", "\"\\u0000\"", "[0,0,0,0,0,0,0,0]", "[1,1,1,1,1,1,1,1,1]",
    "[1000000,1000000,1000000]",
    "[0,1000000000000]",
    "[-1,-1]", "{\"dtype\":\"bool\",\"data\":[true]}", "{\"dtype\":\"int32\",\"shape\":[],\"data\":7}",
    "{\"dtype\":\"float32\",\"shape\":[2],\"encoding\":\"base64\",\"data\":\"AACAPwAAAEA=\"}",
    "{\"shape\":[0,3],\"data\":[]}",
    "{\"dtype\":\"int64\",\"data\":[[1,2],[3,4]]}", "{\"shape\":[1000000,1000000],\"data\":1}",
  ]

  @Test(arguments: [UInt64(1), 2, 3, 4])
  func damagedRequestsAreAnswered(_ seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let requests = try [
      "operations", "operations_pointwise", "operations_reductions", "operations_shapes", "operations_indexing",
      "tutorial",
    ].flatMap {
      try Project.lines("Tests/Fixtures/\($0).jsonl")
    }.map { line in
      try line.withDocument { Array($0.root["request"]?.data ?? Data()) }
    }
    var limits = Limits()
    limits.planBytes = 1 << 24
    limits.answerElements = 1 << 20
    let server = InProcessServer(limits: limits)
    var statuses: [Int: Int] = [:]
    for _ in 0..<2_000 {
      var body = requests[Int(random.next() % UInt64(requests.count))]
      for _ in 0..<(1 + random.next() % 3) { damage(&body, &random) }
      let response = server.send("POST", "/v1/evaluate", body: Data(body))
      statuses[response.status, default: 0] += 1
      if ![200, 400, 413, 422].contains(response.status) {
        Issue.record("\(response.status) \(response.body.string) for \(String(decoding: body, as: UTF8.self))")
      }
    }
    // The other endpoints refuse members of evaluate, so they get what they all take.
    for endpoint in ["jvp", "jacobian", "hessian", "hvp", "check", "inspect"] {
      for _ in 0..<150 {
        var body = Array(try Self.withMembers(of: endpoint, requests[Int(random.next() % UInt64(requests.count))]))
        if random.next() % 2 == 0 { damage(&body, &random) }
        let response = server.send("POST", "/v1/\(endpoint)", body: Data(body))
        if ![200, 400, 413, 422].contains(response.status) {
          Issue.record(
            "\(endpoint): \(response.status) \(response.body.string) for \(String(decoding: body, as: UTF8.self))")
        }
      }
    }
    // The damage is such that some of everything comes back.
    for status in [200, 400, 422] { #expect((statuses[status] ?? 0) > 50, "\(statuses)") }
  }

  /// The request with a direction for each input where the endpoint needs them.
  private static func withMembers(of endpoint: String, _ request: [UInt8]) throws -> Data {
    let members = try JSONSerialization.jsonObject(with: Data(request)) as? [String: Any] ?? [:]
    var kept = members.filter { ["graph", "inputs", "dtype"].contains($0.key) }
    if endpoint == "jvp" { kept["tangents"] = members["inputs"] ?? [:] }
    if endpoint == "hvp" { kept["vectors"] = members["inputs"] ?? [:] }
    return try JSONSerialization.data(withJSONObject: kept)
  }

  private func damage(_ body: inout [UInt8], _ random: inout SplitMix64) {
    let tokens = MutationTests.tokens(of: body)
    guard !tokens.isEmpty else { return }
    let token = tokens[Int(random.next() % UInt64(tokens.count))]
    switch random.next() % 8 {
    case 0: body[token.lowerBound] = UInt8(truncatingIfNeeded: random.next())
    case 1: body.removeSubrange(token)
    case 2:
      let other = tokens[Int(random.next() % UInt64(tokens.count))]
      body.replaceSubrange(token, with: Array(body[other]))
    default:
      let replacement = MutationTests.replacements[Int(random.next() % UInt64(MutationTests.replacements.count))]
      body.replaceSubrange(token, with: Array(replacement.utf8))
    }
  }

  /// Strings, and runs of what is neither punctuation nor space.
  private static func tokens(of body: [UInt8]) -> [Range<Int>] {
    var tokens: [Range<Int>] = []
    var position = 0
    while position < body.count {
      let start = position
      if body[position] == UInt8(ascii: "\"") {
        position += 1
        while position < body.count, body[position] != UInt8(ascii: "\"") { position += 1 }
        position = min(position + 1, body.count)
        tokens.append(start..<position)
      } else if "[]{},: \n".utf8.contains(body[position]) {
        position += 1
      } else {
        while position < body.count, !"[]{},: \n\"".utf8.contains(body[position]) { position += 1 }
        tokens.append(start..<position)
      }
    }
    return tokens
  }
}
