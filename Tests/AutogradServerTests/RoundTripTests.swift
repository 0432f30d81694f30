import AutogradCore
import Foundation
import Testing

@testable import AutogradHTTP
@testable import AutogradServer

/// Every sample of every operation as JSON: it is answered, and what is answered can be posted back unchanged.
@Suite struct RoundTripTests {
  @Test(arguments: OpCatalog.operations.map(\.reference.name), ["nested", "flat", "base64"])
  func answersCanBePostedBack(_ name: String, _ encoding: String) throws {
    let reference = try #require(OpCatalog.operation(named: name)).reference
    for sample in reference.samples {
      let text = ExampleRequest.text(reference, sample).string
      var request = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
      let inputs = try #require(request["inputs"] as? [String: Any])
      let graph = try #require(request["graph"] as? [String: Any])
      let results = try #require(graph["outputs"] as? [String])
      if encoding != "nested" { request["encoding"] = encoding }
      // The inputs come back as well, with their dtypes and shapes.
      request["outputs"] = inputs.keys.sorted() + results
      request["of"] = results
      let first = try post(request)
      guard first.status == 200 else {
        Issue.record("\(name) \(sample.shapes): \(first.body.string.prefix(300))")
        continue
      }
      let returned = try #require(first.json["outputs"] as? [String: Any])
      request["inputs"] = returned.filter { inputs[$0.key] != nil }
      let second = try post(request)
      let (a, b) = (first.json as NSDictionary, second.json as NSDictionary)
      #expect(a == b, "\(name) \(sample.shapes)")
    }
  }

  private func post(_ request: [String: Any]) throws -> Response {
    InProcessServer().send(
      "POST", "/v1/evaluate", body: try JSONSerialization.data(withJSONObject: request, options: .sortedKeys))
  }
}
