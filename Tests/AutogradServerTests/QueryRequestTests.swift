import AutogradTestSupport
import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradHTTP
@testable import AutogradServer

/// `GET /v1/evaluate?graph=…&x=1`: the same requests by an address.
@Suite struct QueryRequestTests {
  /// y = sum(x²), z = x·a.
  private static let graph =
    #"{"nodes":[{"op":"square","inputs":["x"],"outputs":["s"]},{"op":"sum","inputs":["s"],"outputs":["y"]}]}"#

  private static func get(_ endpoint: String, _ parameters: [(String, String)]) -> Response {
    var request = Request(method: "GET", path: "/v1/\(endpoint)", id: "7")
    let query = ([("graph", graph)] + parameters).map { "\(escaped($0.0))=\(escaped($0.1))" }
    request.query = Query(query.joined(separator: "&"))
    return Router(routes: Routes.all(limits: Limits()) { true }).respond(to: request).answer()
  }

  private static func escaped(_ text: String) -> String {
    text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
  }

  private static func post(_ endpoint: String, _ members: String) -> Response {
    InProcessServer().send("POST", "/v1/\(endpoint)", body: Data(#"{"graph": \#(graph), \#(members)}"#.utf8))
  }

  @Test(
    arguments: [
      ("evaluate", [("x", "[1,2,3]")], #""inputs": {"x": [1, 2, 3]}"#),
      ("evaluate", [("x", "1,2,3")], #""inputs": {"x": [1, 2, 3]}"#),
      ("evaluate", [("x", " 1 , -2e3 ")], #""inputs": {"x": [1, -2e3]}"#),
      ("evaluate", [("x", "4")], #""inputs": {"x": 4}"#),
      ("evaluate", [("x", "1,NaN,-Infinity")], #""inputs": {"x": [1, "NaN", "-Infinity"]}"#),
      ("evaluate", [("x", "[Infinity,[\"NaN\"]]")], #""inputs": {"x": ["Infinity", ["NaN"]]}"#),
      ("evaluate", [("x", #"{"dtype":"float32","data":[1]}"#)], #""inputs": {"x": {"dtype": "float32", "data": [1]}}"#),
      ("evaluate", [("inputs", #"{"x":[1,2]}"#)], #""inputs": {"x": [1, 2]}"#),
      ("evaluate", [("x", "1"), ("inputs", #"{"wrt":2}"#)], #""inputs": {"x": 1, "wrt": 2}"#),
      ("evaluate", [("x", "1,2"), ("outputs", "s, y")], #""inputs": {"x": [1, 2]}, "outputs": ["s", "y"]"#),
      ("evaluate", [("x", "1,2"), ("outputs", #"["s"]"#)], #""inputs": {"x": [1, 2]}, "outputs": ["s"]"#),
      ("evaluate", [("x", "1"), ("gradients", "false")], #""inputs": {"x": 1}, "gradients": false"#),
      ("evaluate", [("x", "1"), ("gradients", "no")], #""inputs": {"x": 1}, "gradients": "no""#),
      ("evaluate", [("x", "1,2"), ("encoding", "base64")], #""inputs": {"x": [1, 2]}, "encoding": "base64""#),
      ("evaluate", [("x", "1"), ("dtype", "float16")], #""inputs": {"x": 1}, "dtype": "float16""#),
      (
        "evaluate", [("x", "1,2"), ("batch", "x"), ("per_example", "true")],
        #""inputs": {"x": [1, 2]}, "batch": ["x"], "per_example": true"#
      ),
      ("jvp", [("x", "1,2"), ("tangents", #"{"x":[1,0]}"#)], #""inputs": {"x": [1, 2]}, "tangents": {"x": [1, 0]}"#),
      (
        "jacobian", [("x", "1,2"), ("of", "s"), ("stacked", "true")],
        #""inputs": {"x": [1, 2]}, "of": ["s"], "stacked": true"#
      ),
      ("hessian", [("x", "1,2")], #""inputs": {"x": [1, 2]}"#),
      ("hvp", [("x", "1,2"), ("vectors", #"{"x":[1,1]}"#)], #""inputs": {"x": [1, 2]}, "vectors": {"x": [1, 1]}"#),
      ("check", [("x", "1,2"), ("rtol", "1e-3")], #""inputs": {"x": [1, 2]}, "rtol": 1e-3"#),
      ("inspect", [("x", "1,2"), ("for", "hessian")], #""inputs": {"x": [1, 2]}, "for": "hessian""#),
    ] as [(String, [(String, String)], String)])
  func anAddressIsAnsweredLikeABody(endpoint: String, parameters: [(String, String)], members: String) throws {
    let (got, expected) = (Self.get(endpoint, parameters), Self.post(endpoint, members))
    #expect(got.status == expected.status)
    func comparable(_ response: Response) throws -> [String: JSON] {
      var value = try JSON(response).members
      value["request_id"] = nil
      // Of the text of the graph, which is escaped differently, no more than blanks.
      value["digest"] = nil
      return value
    }
    #expect(try comparable(got) == comparable(expected), "\(got.body.string) for \(expected.body.string)")
  }

  @Test(
    arguments: [
      ([("x", "1"), ("x", "2")], 400, "duplicate_key", "/inputs/x"),
      ([("x", "1"), ("inputs", #"{"x":2}"#)], 400, "duplicate_key", "/inputs/x"),
      ([("x", "1"), ("wrt", "x"), ("wrt", "x")], 400, "duplicate_key", "/wrt"),
      ([("x", "1"), ("select", "/outputs"), ("select", "/outputs")], 400, "duplicate_key", "/select"),
      ([("x", "1 2")], 400, "invalid_json", "/inputs/x"),
      ([("x", "")], 400, "invalid_json", "/inputs/x"),
      ([("x", #"1},"graph":{"nodes":[]"#)], 400, "invalid_json", "/inputs/x"),
      ([("x", "1"), ("cotangents", #"{}},{"#)], 400, "invalid_json", "/cotangents"),
      ([("x", "1"), ("inputs", "3")], 400, "wrong_type", "/inputs"),
      ([("x", "1"), ("select", "gradients")], 400, "wrong_type", "/select"),
      ([("x", "1"), ("select", "")], 400, "wrong_type", "/select"),
      ([("x", "1"), ("select", "/gradients")], 400, "wrong_type", "/select"),
      ([("x", "[[[1]]]"), ("select", "/gradients/x")], 400, "wrong_type", "/select"),
      ([("x", "1"), ("select", "/gradients/w")], 422, "unknown_name", "/select"),
      ([("x", "1,2"), ("select", "/gradients/x/data/2")], 422, "unknown_name", "/select"),
      ([("x", "1,2"), ("select", "/gradients/x/data/00")], 422, "unknown_name", "/select"),
      ([("z", "1")], 422, "unknown_name", "/graph/nodes/0/inputs/0"),
      // Of few bytes, and a hundred million lines.
      (
        [
          ("x", #"{"dtype":"float64","shape":[99999999,0],"encoding":"base64","data":""}"#), ("encoding", "flat"),
          ("gradients", "false"),
          ("outputs", "s"), ("select", "/outputs/s"),
        ], 400, "wrong_type", "/select"
      ),
    ] as [([(String, String)], Int, String, String)])
  func refusalsNameTheParameter(
    parameters: [(String, String)], status: Int, code: String, pointer: String
  ) throws {
    let response = Self.get("evaluate", parameters)
    let problem = try JSON(response)
    #expect(response.status == status && response.contentType == "application/problem+json")
    #expect(problem["code"] == .string(code) && problem["pointer"] == .string(pointer), "\(response.body.string)")
  }

  @Test func aBlankMayHaveBeenAPlus() throws {
    #expect(Self.get("evaluate", [("x", "1 2")]).body.string.contains("%2B"))
    var request = Request(method: "GET", path: "/v1/evaluate", id: "7")
    for (formula, isHinted) in [("x+1", true), ("sin(x", false), ("x+%2B+1", false)] {
      request.query = Query("graph=\(formula)&x=2&select=/outputs/result")
      let response = Router(routes: Routes.all(limits: Limits()) { true }).respond(to: request).answer()
      #expect(response.body.string.contains("%2B") == isHinted, "\(response.body.string)")
      #expect((response.body.string == "3.0") == formula.contains("%2B"))
    }
  }

  @Test(arguments: [
    ("evaluate", "4", "/outputs/y", "16.0"),
    ("evaluate", "1,2", "/gradients/x", "2.0,4.0"),
    ("evaluate", "[[1,2],[3,4]]", "/gradients/x", "2.0,4.0\n6.0,8.0"),
    ("evaluate", "[[1],[3]]", "/gradients/x", "2.0\n6.0"),
    ("evaluate", "[[1,2],[3,4]]", "/gradients/x/data/1", "6.0,8.0"),
    ("evaluate", "[[1,2],[3,4]]", "/gradients/x/data/1/0", "6.0"),
    ("evaluate", "[[1,2],[3,4]]", "/gradients/x/shape", "2,2"),
    ("evaluate", "[[1,2],[3,4]]", "/gradients/x/dtype", "float64"),
    ("evaluate", "NaN,Infinity", "/gradients/x", "NaN,Infinity"),
    ("evaluate", "[]", "/gradients/x", ""),
    ("evaluate", "[[],[]]", "/gradients/x", "\n"),
    ("hessian", "1,2", "/hessians/x/x", "2.0,0.0\n0.0,2.0"),
    ("check", "1,2", "/result", "passes"),
    ("inspect", "1,2", "/admitted", "true"),
  ])
  func aPartIsATable(endpoint: String, x: String, pointer: String, csv: String) {
    // A flat list has no rows to pick.
    for encoding in pointer.contains("/data/") ? [] : ["flat", "base64"] {
      let response = Self.get(endpoint, [("x", x), ("encoding", encoding), ("select", pointer)])
      #expect(response.body.string == csv, "\(encoding)")
    }
    let response = Self.get(endpoint, [("x", x), ("select", pointer)])
    #expect(response.status == 200 && response.contentType == "text/csv; charset=utf-8")
    #expect(response.body.string == csv)
  }

  @Test func boolsAndNamesWithSlashes() {
    var request = Request(method: "GET", path: "/v1/evaluate", id: "7")
    let graph = #"{"nodes":[{"op":"less","inputs":["x",2],"outputs":["a/b~c"]}]}"#
    request.query = Query("graph=\(Self.escaped(graph))&x=1,2,3&select=/outputs/a~1b~0c")
    let response = Router(routes: Routes.all(limits: Limits()) { true }).respond(to: request).answer()
    #expect(response.body.string == "true,false,false")
  }

  /// Over a socket: the library cuts the query, and any page could have the server compute by an image's address.
  @Test func addressesAreCutAndPagesRefused() throws {
    let live = try LiveServer()
    func send(_ target: String, _ headers: String = "") throws -> RawResponse {
      let client = try RawConnection(port: live.server.port)
      try client.send("GET \(target) HTTP/1.1\r\nHost: localhost\r\n\(headers)\r\n")
      return try client.readResponse()
    }
    let target = "/v1/evaluate?graph=\(Self.escaped(Self.graph))&x=1,%2B2e0&select=/gradients/x"
    #expect(try send("/v1/evaluate?graph=\(Self.escaped(Self.graph))&x=[1,2]&select=/gradients/x").text == "2.0,4.0")
    #expect(try send(target).text.contains("invalid_json"), "a number has no plus sign in front of it")
    #expect(try send("/v1/evaluate?graph=%").status == 400)
    for (site, status) in [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)] {
      let answer = try send("/v1/evaluate?graph=\(Self.escaped(Self.graph))&x=1", "Sec-Fetch-Site: \(site)\r\n")
      #expect(answer.status == status, "\(site)")
      #expect(try send("/version", "Sec-Fetch-Site: \(site)\r\n").status == 200)
    }
  }
}
