import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradServer

/// `autograd-server evaluate -e FORMULA x=1,2,3`: requests that are made of arguments.
@Suite(.timeLimit(.minutes(60)))
struct EvaluateCommandTests {
  private func run(_ arguments: String..., input: String = "", folder: URL? = nil) throws -> ProgramRun {
    try ProgramRun(["evaluate"] + arguments, input: input, folder: folder)
  }

  private func posted(_ body: String, _ path: String = "/v1/evaluate") -> String {
    InProcessServer().send("POST", path, body: Data(body.utf8)).body.string
  }

  /// A folder with files, until the test ends.
  private func withFolder(_ files: [String: Data], _ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, data) in files { try data.write(to: folder.appending(path: name)) }
    try body(folder)
  }

  // MARK: Answers

  @Test func argumentsAreAnsweredLikeARequest() throws {
    let plain = try run("-e", "sum(x ** 2) + w", "x=1,2,3", "w=NaN")
    #expect(plain.status == 0 && plain.error.isEmpty)
    #expect(plain.output == posted(#"{"graph": "sum(x ** 2) + w", "inputs": {"x": [1, 2, 3], "w": "NaN"}}"#))
    // A plus sign is none of an address, and a formula may begin with a sign.
    #expect(try run("-e", "-x + 1", "x=4", "--at", "outputs.result").output == "-3.0\n")
    let json = #"{"nodes": [{"op": "sin", "inputs": ["x"], "outputs": ["y"]}]}"#
    #expect(try run("--graph", json, "x=[[0]]").output == posted(#"{"graph": \#(json), "inputs": {"x": [[0]]}}"#))
  }

  @Test func membersAreOptions() throws {
    let some = try run(
      "x=1,2", "--wrt", "w", "-e", "y = sum(x * w)\nz = w", "--outputs=z", "w=3,4", "--of", "y", "--dtype", "float32",
      "--encoding", "values", "--diagnose")
    #expect(
      some.output
        == posted(
          #"{"graph": "y = sum(x * w)\nz = w", "inputs": {"x": [1, 2], "w": [3, 4]}, "wrt": ["w"], "outputs": ["z"], "#
            + #""of": ["y"], "dtype": "float32", "encoding": "values", "diagnose": true}"#), "\(some.error)")
    #expect(try !run("-e", "y = x", "x=1", "--no-gradients").output.contains("gradients"))
    #expect(
      try run("-e", "y = x", "x=1", "--gradients=false").output == run("-e", "y = x", "x=1", "--no-gradients").output)
    let each = try run("-e", "y = sum(x)", "x=[[1],[2]]", "--batch", "x", "--per-example")
    #expect(each.output.contains(#""gradients": {"x": {"dtype": "float64", "shape": [2, 1]"#), "\(each.error)")
  }

  /// Every member has an option, and nothing else is one.
  @Test func optionsAreTheMembers() throws {
    let names = RequestMember.all.map { "\($0.name)" }.filter { $0 != "graph" && $0 != "inputs" }
    let options = names.map { "--" + $0.replacing("_", with: "-") }
    #expect(CommandRequest.options == options.joined(separator: ", "))
    #expect(CommandRequest.endpoints.sorted() == (Endpoint.allCases.map(\.rawValue) + ["inspect"]).sorted())
  }

  @Test func endpointsAndTheirTensors() throws {
    let request = #""graph": "y = sum(x ** 2)", "inputs": {"x": [1, 2]}"#
    let jvp = try run("-e", "y = sum(x ** 2)", "x=1,2", "--endpoint", "jvp", "--tangents", "x=1,0")
    #expect(jvp.output == posted("{\(request), \"tangents\": {\"x\": [1, 0]}}", "/v1/jvp"), "\(jvp.error)")
    let both = try run(
      "-e", "x * w", "x=1", "w=2", "--endpoint", "hvp", "--vectors", "x=1", "--vectors", "w=0", "--at", "products.w")
    #expect(both.output == "1.0\n", "\(both.error)")
    let object = try run(
      "-e", "y = sum(x ** 2)", "x=1,2", "--endpoint", "jvp", "--tangents", #"{"x": [1, 0]}"#, "--at", "tangents.y")
    #expect(object.output == "2.0\n", "\(object.error)")
    let check = try run("-e", "y = sum(x ** 2)", "x=1,2", "--endpoint", "check", "--rtol", "1e-3", "--at", "result")
    #expect(check.output == "passes\n", "\(check.error)")
    let file = Project.root.appending(path: "examples/rosenbrock-hessian.json").path
    #expect(try run(file, "--endpoint", "hessian", "--at", "hessians.p.p").output == "1477.0,500.0\n500.0,200.0\n")
  }

  @Test func aPartIsPrintedAsATable() throws {
    let formula = ["-e", "y = 2 * x", "x=[[1,2],[3,NaN]]"]
    func part(_ at: String, _ more: String...) throws -> String {
      try ProgramRun(["evaluate"] + formula + ["--at", at] + more).output
    }
    #expect(try part("outputs.y") == "2.0,4.0\n6.0,NaN\n" && part("/outputs/y") == part("outputs.y"))
    #expect(try part("outputs.y", "--encoding", "base64") == part("outputs.y"))
    #expect(try part("outputs.y.shape") == "2,2\n" && part("gradients.x.data.0.1") == "2.0\n")
    // More than an answer that is made in one piece.
    let long = (1...200_000).map(String.init).joined(separator: ",")
    let sum = try run("-e", "y = x", "x=@-", "--no-gradients", "--at", "outputs.y", input: long)
    #expect(sum.output.split(separator: ",").count == 200_000, "\(sum.error.prefix(200))")
  }

  // MARK: Files

  private static func npy(_ dtype: String, _ shape: String, _ data: Data) -> Data {
    let header = "{'descr': '\(dtype)', 'fortran_order': False, 'shape': \(shape), }\n"
    return Data([0x93]) + Data("NUMPY".utf8) + Data([1, 0, UInt8(header.utf8.count), 0]) + Data(header.utf8) + data
  }

  private static let safetensors: Data = {
    let header =
      #"{"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "#
      + #""layer.0": {"dtype": "F64", "shape": [], "data_offsets": [8, 16]}}"#
    return withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) } + Data(header.utf8)
      + [Float(3), 4].withUnsafeBytes { Data($0) } + [5.0].withUnsafeBytes { Data($0) }
  }()

  @Test(arguments: [
    ("x=@x.npy", "1.0,2.0"), ("x=@x.json", "1.5,2.5"), ("x=@x.csv", "7.0,8.0"), ("x=@table.csv:price", "10.0,20.0"),
    ("x=@w.safetensors:layer.0", "5.0"), ("x=@w.safetensors:w", "3.0,4.0"), ("x=@plain", "1.0,2.0"),
    ("x=@lists", "9.0"),
    ("x=@x:y.csv", "6.0"), ("x=@X.NPY", "1.0,2.0"), ("x=@tensors", "3.0,4.0"),
  ])
  func inputsComeFromFiles(_ argument: String, _ expected: String) throws {
    let numbers = Self.npy("<f8", "(2,)", [1.0, 2.0].withUnsafeBytes { Data($0) })
    let files = [
      "x.npy": numbers, "X.NPY": numbers, "plain": numbers, "x.json": Data("[1.5, 2.5]\n".utf8),
      "lists": Data(" [9]".utf8),
      "x.csv": Data("7\n8\n".utf8), "table.csv": Data("day,price\nmonday,10\ntuesday,20\n".utf8),
      "w.safetensors": Self.safetensors, "x:y.csv": Data("6".utf8),
      "tensors": Self.safetensors.replacingName(),
    ]
    try withFolder(files) { folder in
      let result = try run("-e", "y = x", argument, "--no-gradients", "--at", "outputs.y", folder: folder)
      #expect(result.output == expected + "\n", "\(result.error)")
    }
  }

  @Test func filesKeepTheirDTypesAndGraphsComeFromFilesToo() throws {
    let files = [
      "i.npy": Self.npy("<i8", "(2,)", [Int64(2), 0].withUnsafeBytes { Data($0) }), "w.safetensors": Self.safetensors,
      "f.formula": Data("# comment\ny = x[i]\n".utf8), "x.csv": Data("0.1,2,3".utf8),
      "t.json": Data("[1, 0, 0]".utf8),
    ]
    try withFolder(files) { folder in
      let picked = try run("-e", "@f.formula", "x=1,2,3", "i=@i.npy", "--no-gradients", folder: folder)
      #expect(picked.output == #"{"outputs": {"y": {"dtype": "float64", "shape": [2], "data": [3.0, 1.0]}}}"# + "\n")
      let single = try run("-e", "y = w", "w=@w.safetensors", "--no-gradients", folder: folder)
      #expect(single.output.contains(#""dtype": "float32""#), "\(single.error)")
      // The text of a table is rounded once, to the dtype of the request.
      let narrow = try run("-e", "y = x", "x=@x.csv", "--dtype", "float32", "--at", "outputs.y", folder: folder)
      #expect(narrow.output == "0.1,2.0,3.0\n", "\(narrow.error)")
      let along = try run(
        "-e", "y = sum(x)", "x=@x.csv", "--endpoint", "jvp", "--tangents", "x=@t.json", "--at", "tangents.y",
        folder: folder)
      #expect(along.output == "1.0\n", "\(along.error)")
    }
  }

  // MARK: Mistakes

  @Test(arguments: [
    (
      ["-e", "y = x\nz = x // 2", "x=1"], "-e: line 2, column 7: invalid_formula: // is no operator",
      "z = x // 2\n      ^\n"
    ),
    (["-e", "y = x @ w", "x=1,2", "w=1,2,3"], "-e: line 1, column 9: shape_mismatch: ", "y = x @ w\n        ^\n"),
    (["-e", "y = x", "x=1,"], "x: invalid_json: ", ""), (["-e", "y = x", "x=1", "x=2"], "x: duplicate_key: ", ""),
    (["-e", "y = x", "x=a"], "x: invalid_json: ", ""),
    (["-e", "y = x", "x=1", "--wrt", "q"], "--wrt: unknown_name: ", ""),
    (["-e", "y = x", "x=1", "--stacked"], "--stacked: unknown_member: ", ""),
    (
      ["-e", "y = x", "x=1", "--at", "gradients.q"],
      "--at: unknown_name: the answer has nothing at /gradients/q; there is x", ""
    ),
    (["-e", "y = x", "x=1", "--at", "outputs"], "--at: wrong_type: ", ""),
    (["-e", "y = x", "x=1", "--per-example"], "missing_member: per_example needs batch", ""),
    (["-e", "y = q", "x=1"], "-e: line 1, column 5: unknown_name: ", "y = q\n    ^\n"),
  ])
  func mistakesAreExplained(_ arguments: [String], _ start: String, _ end: String) throws {
    let result = try ProgramRun(["evaluate"] + arguments)
    #expect(result.status == 1 && result.output.isEmpty, "\(result.output)")
    #expect(result.error.hasPrefix(start) && result.error.hasSuffix(end), "\(result.error)")
  }

  @Test(arguments: [
    (["-e", "y = x", "1,2,3"], "an input is written x=1,2,3"), (["-e", "y = x", "=1"], "an input is written x=1,2,3"),
    (["-e", "y = x", "x=@nowhere.npy"], "nowhere.npy: No such file"),
    (["-e", "@nowhere", "x=1"], "nowhere: No such file"),
    (["-e", "y = x", "x=1", "--wtr", "x"], "did you mean --wrt?"),
    (["-e", "y = x", "x=1", "--wrt"], "a value belongs behind"),
    (["-e", "y = x", "x=1", "--endpoint", "hessain"], "no endpoint is called hessain"),
    (["-e", "y = x", "x=1", "--no-gradients=true"], "alone"),
    (["-e", "y = x", "x=1", "--no-wrt", "x"], "unknown option"),
    (["-e", "y = x", "x=1", "--tangents", "1"], "an input is written"), ([], "give one file"),
    (["sum(x)", "x=1"], "stand beside a formula"), (["request.json", "--wrt", "x"], "stand beside a formula"),
  ])
  func argumentsThatAreNone(_ arguments: [String], _ words: String) throws {
    let result = try ProgramRun(["evaluate"] + arguments)
    #expect(result.status == 64 && result.output.isEmpty && result.error.contains(words), "\(result.error)")
    #expect(result.error.contains("Usage: autograd-server evaluate <file> "), "\(result.error)")
  }

  @Test func filesThatCannotBeReadAreNamedWithTheirPlace() throws {
    let files = [
      "x.csv": Data("1,2\n3;4\n".utf8), "x.npy": Data("1,2".utf8), "x.json": Data("[1, 2".utf8),
      "w.safetensors": Self.safetensors, "half.npy": Self.npy("<f2", "(1,)", Data([0, 0])),
    ]
    try withFolder(files) { folder in
      for (argument, start) in [
        ("x=@x.csv", "x=@x.csv: line 2, column 1: wrong_type: "), ("x=@x.npy", "x=@x.npy: wrong_type: "),
        ("x=@x.json", "x=@x.json: invalid_json: "), ("x=@x.json:a", "x=@x.json:a: wrong_type: "),
        ("x=@w.safetensors", "x=@w.safetensors: unknown_name: "), ("x=@half.npy", "x=@half.npy: wrong_type: "),
      ] {
        let result = try run("-e", "y = x", argument, folder: folder)
        #expect(result.status == 1 && result.output.isEmpty && result.error.hasPrefix(start), "\(result.error)")
      }
    }
  }
}

extension Data {
  /// A safetensors file whose tensor w is called x.
  fileprivate func replacingName() -> Data {
    var copy = self
    if let range = copy.firstRange(of: Data(#""w""#.utf8)) { copy.replaceSubrange(range, with: Data(#""x""#.utf8)) }
    return copy
  }
}
