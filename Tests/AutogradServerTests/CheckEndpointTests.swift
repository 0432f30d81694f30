import Foundation
import Testing

@testable import AutogradHTTP
@testable import AutogradServer

/// What `/v1/check` takes, refuses and answers; whether it judges rightly is in GradientCheckTests.
@Suite("Check endpoint")
struct CheckEndpointTests {
  private func send(_ path: String, _ members: String, x: String = "[1, 2]") -> Response {
    let graph = #"{"nodes": [{"op": "square", "inputs": ["x"], "outputs": ["y"]}]}"#
    return InProcessServer().send(
      "POST", path,
      body: Data(#"{"graph": \#(graph), "inputs": {"x": \#(x)}\#(members.isEmpty ? "" : ", " + members)}"#.utf8))
  }

  @Test(arguments: [
    (#""step": -1"#, "number_out_of_range", "step"), (#""step": 0"#, "number_out_of_range", "step"),
    (#""step": "1""#, "wrong_type", "step"), (#""rtol": -1e-9"#, "number_out_of_range", "rtol"),
    (#""atol": 1e999"#, "number_out_of_range", "atol"), (#""atol": [1]"#, "wrong_type", "atol"),
  ])
  func optionsAreNumbers(_ members: String, _ code: String, _ name: String) {
    for (path, more) in [("/v1/check", ""), ("/v1/inspect", #", "for": "check""#)] {
      let response = send(path, members + more)
      #expect(response.status == 400, "\(path) \(members)")
      #expect(response.json["code"] as? String == code, "\(response.body.string)")
      #expect(response.json["pointer"] as? String == "/" + name, "\(response.body.string)")
    }
  }

  /// Everything is computed in float64, derivatives too: no constant of theirs is rounded to float32 before.
  @Test(arguments: ["erf", "erfc", "log2", "log10", "gelu"]) func narrowInputsAreMadeWideFirst(_ operation: String) {
    let graph = #"{"nodes": [{"op": "\#(operation)", "inputs": ["x"], "outputs": ["y"]}]}"#
    for (shape, batch) in [("[3]", ""), ("[3, 1]", #", "batch": ["x"]"#)] {
      let x = #"{"dtype": "float32", "shape": \#(shape), "data": [0.3, 0.7, 1.5]}"#
      let body = #"{"graph": \#(graph), "inputs": {"x": \#(x)}, "encoding": "flat", "rtol": 1e-9\#(batch)}"#
      let response = InProcessServer().send("POST", "/v1/check", body: Data(body.utf8))
      #expect(response.json["result"] as? String == "passes", "\(response.body.string)")
    }
  }

  @Test func whatWasNotComparedDoesNotPass() {
    for step in ["1e-300", "1e308"] {
      let response = send("/v1/check", "\"step\": \(step)")
      #expect(response.json["passed"] as? Bool == false, "\(response.body.string)")
      #expect(response.json["result"] as? String == "inconclusive", "\(response.body.string)")
    }
    #expect(send("/v1/check", "").json["passed"] as? Bool == true)
  }
}
