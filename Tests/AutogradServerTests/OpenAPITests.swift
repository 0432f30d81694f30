import AutogradCore
import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradHTTP
@testable import AutogradServer

/// openapi.yaml is the contract: these tests hold the server and it to be the same, in both directions.
@Suite("OpenAPI document")
struct OpenAPITests {
  /// Read once: every case of every test has a suite of its own.
  private static let read = Result { try JSON(Project.file("Sources/CEmbedded/openapi.json")) }

  private let document: JSON
  private let schemas: SchemaChecker

  init() throws {
    document = try Self.read.get()
    schemas = SchemaChecker(document: document)
  }

  private func get(_ path: String) -> Response { InProcessServer().send("GET", path, body: Data()) }
  private func post(_ body: Data, _ endpoint: Endpoint = .evaluate) -> Response {
    InProcessServer().send("POST", "/v1/\(endpoint.rawValue)", body: body)
  }

  private func schema(_ name: String) -> JSON { .object(["$ref": .string("#/components/schemas/\(name)")]) }

  private func strings(_ path: String...) throws -> [String] {
    var value = try #require(document["components"]?["schemas"])
    for step in path { value = try #require(value[step], "\(path)") }
    return value.elements.compactMap(\.string)
  }

  // MARK: The document itself

  @Test("The JSON is made from the YAML", .timeLimit(.minutes(60)))
  func madeFromYAML() throws {
    let (status, complaint) = try python("openapi-json.py", "--check")
    #expect(status == 0, "\(complaint)")
  }

  private func python(_ script: String, _ arguments: String...) throws -> (status: Int32, complaint: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", Project.root.appending(path: "scripts/\(script)").path] + arguments
    let pipe = Pipe()
    process.standardError = pipe
    try process.run()
    let complaint = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, complaint)
  }

  /// `make openapi` writes it.
  @Test("The page is made from the YAML, the operations and the problems")
  func pageIsCurrent() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try Data(get("/v1/operations").body.bytes).write(to: folder.appending(path: "operations.json"))
    try Data(get("/problems").body.bytes).write(to: folder.appending(path: "problems.json"))
    let (status, complaint) = try python("docs-pages.py", folder.path, "--check")
    #expect(status == 0, "\(complaint)")
  }

  @Test("The page is small, loads nothing and says so")
  func page() throws {
    for path in ["/docs"] {
      let response = InProcessServer().send("GET", path, body: Data(), accept: "text/html,*/*;q=0.8")
      #expect(response.status == 200)
      #expect(response.contentType == "text/html; charset=utf-8")
      #expect(
        Data(response.body.bytes) == (try Project.file("Sources/CEmbedded/docs.html")),
        "\(path) was embedded before the file changed: build again")
      let policy = try #require(response.headers.first { $0.name == "Content-Security-Policy" }).value
      #expect(policy.hasPrefix("default-src 'none'; style-src 'unsafe-inline'"))
      #expect(response.body.count < 300_000)
      let text = response.body.string
      for loading in ["<script", "<link", "<img", "src=", "@import", "url("] { #expect(!text.contains(loading)) }
      for operation in OpCatalog.operations { #expect(text.contains("id=\"op-\(operation.reference.name)\"")) }
      for code in ProblemCode.allCases { #expect(text.contains("id=\"problem-\(code.rawValue)\"")) }
      for endpoint in Endpoint.allCases { #expect(text.contains("localhost:8080/v1/\(endpoint.rawValue) -d")) }
    }
    #expect(InProcessServer().send("GET", "/docs", body: Data(), accept: "application/json").status == 406)
  }

  @Test("What is served is the files")
  func servedBytes() throws {
    for (path, file, type) in [
      ("/openapi.yaml", "openapi.yaml", "application/yaml"),
      ("/openapi.json", "Sources/CEmbedded/openapi.json", "application/json"),
    ] {
      let response = get(path)
      #expect(response.status == 200)
      #expect(response.contentType == type)
      #expect(
        Data(response.body.bytes) == (try Project.file(file)),
        "\(path) was embedded before the file changed: build again")
    }
  }

  // MARK: Lists that are in both

  @Test("Paths and methods are those of the server")
  func routes() throws {
    let served = Routes.all(limits: Limits(), isReady: { true }).flatMap { route in
      (route.method == "GET" ? ["GET", "HEAD"] : [route.method]).map { "\($0) \(route.path)" }
    }
    let methods = ["get", "head", "post", "put", "delete", "options", "patch", "trace"]
    let documented = try #require(document["paths"]).members.flatMap { path, item in
      item.members.keys.filter(methods.contains).map { "\($0.uppercased()) \(path)" }
    }
    #expect(documented.sorted() == served.sorted())
    #expect(document["info"]?["version"] == .string(Version.current))
  }

  @Test("Operations and their attributes are those of the catalog")
  func operations() throws {
    let references = OperationsDocument.operations.map(\.reference)
    #expect(try strings("OperationName", "enum") == references.map(\.name))
    let attributes = try #require(document["components"]?["schemas"]?["Attributes"]?["properties"]).members.keys
    #expect(Set(attributes) == Set(references.flatMap(\.attributes).map(\.name)))
  }

  @Test("Kinds of attributes are those of the catalog")
  func attributeKinds() throws {
    let used = Set(OpCatalog.operations.flatMap(\.reference.attributes).map(\.kind.rawValue))
    #expect(Set(try strings("Attribute", "properties", "kind", "enum")).isSuperset(of: used))
  }

  /// Generators of clients give each word of an enum a name, send every default, and read no more than this of unions.
  @Test("Generators of clients can take the schemas")
  func generators() throws {
    var visited = 0
    func visit(_ schema: JSON, _ place: String) {
      visited += 1
      let words = schema["enum"]?.elements ?? []
      #expect(Set(words.map { "\($0)" }).count == words.count, "\(place): a word stands twice")
      #expect(schema["type"]?.elements.isEmpty != false, "\(place): say types by anyOf")
      for (name, part) in schema.members where !["$defs", "then", "if", "enum", "default"].contains(name) {
        if case .object = part { visit(part, "\(place)/\(name)") }
        for (index, element) in part.elements.enumerated() { visit(element, "\(place)/\(name)/\(index)") }
      }
    }
    for (name, schema) in try #require(document["components"]?["schemas"]).members { visit(schema, name) }
    #expect(visited > 400)
    for (name, attribute) in try #require(document["components"]?["schemas"]?["Attributes"]?["properties"]).members {
      #expect(attribute["default"] == nil, "clients would send \(name) to operations that have no such attribute")
    }
  }

  @Test("Members, dtypes and encodings are those that are read")
  func words() throws {
    for endpoint in Endpoint.allCases {
      let operation = try #require(document["paths"]?["/v1/\(endpoint.rawValue)"]?["post"])
      let reference = operation["requestBody"]?["content"]?["application/json"]?["schema"]?["$ref"]?.string
      #expect(reference == "#/components/schemas/\(endpoint.schemaName)Request")
      let members = try #require(schemas.resolve(reference ?? "")?["properties"]).members.keys
      #expect(members.sorted() == endpoint.members().sorted(), "\(endpoint)")
    }
    #expect(try strings("DType", "enum") == DType.allCases.map(\.name))
    let encodings = TensorEncoder.Form.allCases.filter { $0 != .nested }.map(\.rawValue)
    #expect(try strings("Encoding", "enum") == encodings)
  }

  @Test("Problem codes are the server's, each under its status")
  func problemCodes() throws {
    #expect(try strings("ProblemCode", "enum") == ProblemCode.allCases.map(\.rawValue))
    #expect(try strings("LimitReason", "enum") == LimitReason.allCases.map(\.rawValue))
    for status in Set(ProblemCode.allCases.map(\.status)) {
      let codes = ProblemCode.allCases.filter { $0.status == status }.map(\.rawValue)
      let problem = document["components"]?["schemas"]?["Problem\(status)"]?["allOf"]?.elements.last?["properties"]
      #expect(problem?["status"]?["enum"] == .array([.integer(Int64(status))]))
      #expect(problem?["code"]?["enum"]?.elements.compactMap(\.string) == codes)
    }
  }

  @Test("Every error status of every endpoint is a problem of that status; each response carries its identifier")
  func responses() throws {
    for (endpoint, operation) in endpoints {
      for (status, given) in try #require(operation["responses"]).members {
        let response = try #require(resolved(given))
        #expect(response["headers"]?["X-Request-Id"] != nil, "\(endpoint) \(status)")
        if endpoint.hasPrefix("HEAD") {
          #expect(response["content"] == nil, "\(endpoint) \(status)")
        } else if !["200", "201", "204", "304"].contains(status) {
          let schema = response["content"]?["application/problem+json"]?["schema"]?["$ref"]
          #expect(schema == .string("#/components/schemas/Problem\(status)"), "\(endpoint) \(status)")
        }
        #expect((response["headers"]?["Allow"] != nil) == (status == "405"), "\(endpoint) \(status)")
        #expect(
          (response["headers"]?["Retry-After"] != nil) == ["429", "503"].contains(status), "\(endpoint) \(status)")
        #expect((response["headers"]?["WWW-Authenticate"] != nil) == (status == "401"), "\(endpoint) \(status)")
      }
    }
  }

  private var endpoints: [(name: String, operation: JSON)] {
    (document["paths"]?.members ?? [:]).flatMap { path, item in
      item.members.filter { $0.key != "parameters" }.map { ("\($0.key.uppercased()) \(path)", $0.value) }
    }
  }

  private func resolved(_ value: JSON) -> JSON? { value["$ref"]?.string.map { schemas.resolve($0) } ?? value }

  // MARK: Examples

  /// What a named example of a request is answered with: the response example of the same name.
  private struct Expected {
    var status: Int
    var contentType: String
    var value: JSON
  }

  private func expected(_ operation: JSON) throws -> [String: Expected] {
    var found: [String: Expected] = [:]
    for (status, response) in operation["responses"]?.members ?? [:] {
      for (type, media) in response["content"]?.members ?? [:] {
        for (name, example) in media["examples"]?.members ?? [:] {
          let expected = Expected(status: Int(status) ?? 0, contentType: type, value: try #require(example["value"]))
          #expect(found.updateValue(expected, forKey: name) == nil, "\(name) stands under two statuses")
        }
      }
    }
    return found
  }

  /// Identifiers differ from request to request.
  private func check(_ name: String, _ expected: Expected, _ response: Response) throws {
    var value = expected.value.members
    if value["request_id"] != nil { value["request_id"] = try JSON(response)["request_id"] }
    #expect(response.status == expected.status, "\(name)")
    #expect(response.contentType == expected.contentType, "\(name)")
    #expect(try JSON(response) == .object(value), "\(name): the server answers \(response.body.string)")
  }

  @Test("Every example request is answered as its namesake says", arguments: Endpoint.allCases)
  func requestExamples(endpoint: Endpoint) throws {
    let operation = try #require(document["paths"]?["/v1/\(endpoint.rawValue)"]?["post"])
    let requests = try #require(operation["requestBody"]?["content"]?["application/json"]?["examples"]).members
    let expected = try expected(operation)
    #expect(Set(requests.keys) == Set(expected.keys))
    for (name, expected) in expected {
      let body = try JSONEncoder().encode(try #require(requests[name]?["value"]))
      try check(name, expected, post(body, endpoint))
      #expect(requests[name]?["summary"]?.string?.hasPrefix("Refused: ") == (expected.status != 200), "\(name)")
    }
  }

  /// Those of registered graphs are what a server answers that has them, see the page of graphs.
  @Test("Every example of a GET is what the server answers")
  func documentExamples() throws {
    for (path, item) in try #require(document["paths"]).members
    where item["get"] != nil && !path.hasPrefix("/v1/graphs") {
      let expected = try expected(try #require(item["get"]))
      let parameters = item["parameters"]?.elements.first?["examples"]?.members
      if let parameters { #expect(Set(parameters.keys) == Set(expected.keys), "\(path)") }
      // The instruction set is that of the machine.
      for (name, expected) in expected where path != "/version" {
        let value = parameters?[name]?["value"]?.string ?? ""
        let target = path.replacingOccurrences(of: #"\{.*\}"#, with: value, options: .regularExpression)
        try check(name, expected, get(target))
      }
    }
  }

  // MARK: Schemas

  @Test("Every document that the server has is of its schema")
  func documents() throws {
    for (path, item) in try #require(document["paths"]).members where !path.contains("{") {
      // An answer to an address is that to the same body.
      if document["paths"]?[path]?["post"] != nil { continue }
      guard let schema = item["get"]?["responses"]?["200"]?["content"]?["application/json"]?["schema"] else { continue }
      let response = get(path)
      #expect(response.status == 200)
      #expect(schemas.faults(try JSON(response), schema) == [], "\(path)")
    }
    for (kind, path, names) in [
      ("Operation", "/v1/operations", OperationsDocument.operations.map(\.reference.name)),
      ("ProblemExplanation", "/problems", ProblemCode.allCases.map(\.rawValue) + LimitReason.allCases.map(\.rawValue)),
    ] {
      for name in names {
        let response = get("\(path)/\(name)")
        #expect(response.status == 200)
        #expect(schemas.faults(try JSON(response), schema(kind)) == [], "\(path)/\(name)")
      }
    }
  }

  @Test(
    "Every operation's own example is answered as it says",
    arguments: OperationsDocument.operations.map(\.reference.name))
  func operationExample(name: String) throws {
    let operation = try JSON(get("/v1/operations/\(name)"))
    let request = try #require(operation["example"]?["request"])
    let response = post(try JSONEncoder().encode(request))
    #expect(response.status == 200)
    #expect(try JSON(response) == operation["example"]?["answer"])
    #expect(request["graph"]?["nodes"]?.elements.contains { $0["op"] == .string(name) } == true)
  }

  @Test("The examples and their answers are of their schemas", arguments: ExampleFiles.names)
  func exampleFiles(name: String) throws {
    let path = try #require(ExampleFiles.paths[name])
    let kind = try #require(Endpoint.allCases.first { path == "/v1/\($0.rawValue)" }).schemaName
    #expect(schemas.faults(try JSON(ExampleFiles.request(name)), schema("\(kind)Request")) == [])
    #expect(schemas.faults(try JSON(ExampleFiles.answer(name)), schema("\(kind)Answer")) == [])
  }

  @Test("Examples in the document are of their schemas, but for those that show what breaks one")
  func exampleSchemas() throws {
    let breaking: Set = ["missing_member", "unknown_member", "unknown_operation"]
    for (endpoint, operation) in endpoints {
      let responses = operation["responses"]?.members ?? [:]
      for place in [operation["requestBody"]].compactMap(\.self) + responses.keys.sorted().compactMap({ responses[$0] })
      {
        for media in place["content"]?.members.values ?? [:].values {
          for (name, example) in media["examples"]?.members ?? [:] {
            let faults = schemas.faults(try #require(example["value"]), try #require(media["schema"]))
            let isBreaking = place == operation["requestBody"] && breaking.contains(name)
            #expect(faults.isEmpty != isBreaking, "\(endpoint) \(name): \(faults)")
          }
        }
      }
    }
  }

  @Test(
    "Schemas refuse what the server refuses",
    arguments: [
      #"{}"#, #"{"graph": ""}"#, #"{"graph": {"nodes": {}}}"#, #"{"graph": {"nodes": []}, "of": []}"#,
      #"{"graph": {"nodes": []}, "inputs": {"x": "Inf"}}"#, #"{"graph": {"nodes": []}, "inputs": {"x": null}}"#,
      #"{"graph": {"nodes": []}, "inputs": {"_1": 1}}"#, #"{"graph": {"nodes": []}, "inputs": {"NaN": 1}}"#,
      #"{"graph": {"nodes": []}, "inputs": {"x": {"shape": [-1], "data": []}}}"#,
      #"{"graph": {"nodes": []}, "dtype": "int64"}"#,
      #"{"graph": {"nodes": []}, "inputs": {"x": [1, true]}}"#,
      #"{"graph": {"nodes": []}, "inputs": {"x": {"dtype": "float64", "shape": [1]}}}"#,
      #"{"graph": {"nodes": []}, "encoding": "hex"}"#,
      #"{"graph": {"nodes": [{"op": "neg", "inputs": [null], "outputs": ["y"]}]}}"#,
      #"{"graph": {"nodes": [{"op": ["neg"], "inputs": [1], "outputs": ["y"]}]}}"#,
      #"{"graph": {"nodes": [{"op": "sum", "inputs": [1], "outputs": ["y"], "attributes": {"dim": 0}}]}}"#,
      #"{"graph": {"nodes": [{"op": "neg", "inputs": {"x": 1}, "outputs": ["y"]}]}, "inputs": {"x": 1}}"#,
      #"{"graph": {"nodes": [], "inputs": [{"name": "x", "shape": [1.5]}]}, "inputs": {"x": [1]}}"#,
    ])
  func refusals(text: String) throws {
    let response = post(Data(text.utf8))
    #expect([400, 422].contains(response.status))
    #expect(schemas.faults(try JSON(Data(text.utf8)), schema("EvaluateRequest")) != [])
  }
}

extension Endpoint {
  /// What the names of its schemas begin with.
  fileprivate var schemaName: String {
    switch self {
    case .jvp, .hvp: rawValue.uppercased()
    default: rawValue.capitalized
    }
  }
}
