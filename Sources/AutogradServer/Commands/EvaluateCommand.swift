import ArgumentParser
import AutogradCore
import AutogradFormats
import AutogradHTTP
import Glibc

/// `autograd-server evaluate`: the same request without a socket, from a file or from arguments.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Answer one request without a server.",
    usage: """
      autograd-server evaluate <file> [--endpoint <name>] [--at <part>]
             autograd-server evaluate -e <formula> [<input>=<value> ...] [--<member> <value> ...]
      """,
    discussion: """
      Prints what POST /v1/evaluate would answer. A rejected request prints what is wrong with it to standard error \
      and exits with 1.

        autograd-server evaluate -e 'sum(x ** 2)' x=1,2,3 --at gradients.x
        autograd-server evaluate -e 'mean((x @ w - t) ** 2)' x=@x.npy t=@t.csv w=0,0

      An input is numbers with commas between, JSON, or @ and a file: .npy, .csv, .json or .safetensors. A colon \
      behind the file names a column of a table, or a tensor of a safetensors file; of the latter the input's name is \
      taken if there is none. @- is standard input.

      The members of a request are options: \(CommandRequest.options). A flag is given alone, or with no- for false: \
      --no-gradients. Tensors by name are given like inputs, once for each: --tangents x=1,0,0.
      """
  )

  @Option(
    name: [.customShort("e"), .customLong("graph")], parsing: .unconditional,
    help: "The graph: a formula, JSON, or @ and a file that holds either.")
  var graph: String?
  @Option(help: "The endpoint that would answer: \(CommandRequest.endpoints.joined(separator: ", ")).")
  var endpoint: String = "evaluate"
  @Option(
    help: ArgumentHelp(
      "Print this part of the answer alone, as CSV: gradients.x, or as a pointer /gradients/x.", valueName: "part"))
  var at: String?
  @Argument(
    parsing: .allUnrecognized,
    help: ArgumentHelp(
      "A file with a request, JSON or safetensors (- reads standard input); with -e the inputs.", valueName: "file"))
  var arguments: [String] = []

  func validate() throws {
    guard CommandRequest.endpoints.contains(endpoint) else {
      throw ValidationError(
        "no endpoint is called \(endpoint); there is \(CommandRequest.endpoints.joined(separator: ", "))")
    }
    if graph == nil, arguments.count != 1 || arguments[0].hasPrefix("--") {
      let isMeant = arguments.contains { $0.contains("=") || $0.hasPrefix("--") }
      throw ValidationError(
        isMeant
          ? "inputs and members stand beside a formula: -e 'sum(x ** 2)' x=1,2,3; a request in a file holds its own"
          : "give one file with a request, or a formula: -e 'sum(x ** 2)' x=1,2,3")
    }
  }

  func run() throws {
    guard let graph else { return try answerFile(arguments[0]) }
    let response: Response
    do {
      let body = try CommandRequest(arguments).body(graph: graph, isSelected: at != nil)
      response = try answer(body, contentType: nil)
    } catch let error as CommandProblem {
      try error.fail()
    } catch let error as FormatError {
      try CommandProblem(error).fail()
    }
    if response.status != 200 { try CommandProblem(response).fail() }
    try write(response, to: STDOUT_FILENO)
  }

  private func answerFile(_ file: String) throws {
    let body = ByteBuffer()
    try CommandInput.read(file, into: body)
    // No JSON has a zero among its first bytes; the length of a header has.
    let isSafetensors = body.count > 8 && body.bytes[7] == 0 && body.bytes[8] == UInt8(ascii: "{")
    let response = try answer(body, contentType: isSafetensors ? MediaTypes.safetensors : nil)
    try write(response, to: response.status == 200 ? STDOUT_FILENO : STDERR_FILENO)
    if response.status != 200 { throw ExitCode.failure }
  }

  // MARK: Answers

  /// What the endpoint answers, or the part of it that is asked for.
  private func answer(_ body: ByteBuffer, contentType: String?) throws -> Response {
    let router = Router(routes: Routes.all(limits: Limits()) { true })
    let request = Request(
      method: "POST", path: "/v1/" + endpoint, contentType: contentType, accept: at == nil ? nil : MediaTypes.json,
      body: body.bytes)
    defer { withExtendedLifetime(body) {} }
    var response = router.respond(to: request).answer()
    guard let at, response.status == 200 else { return response }
    // Parts are picked from answers that are there.
    let whole = ByteBuffer()
    try forEachPiece(of: response) { whole.append($0) }
    response.body = Body.whole(whole)
    var part = SelectedPart.response(CommandRequest.pointer(at), of: response, request)
    if part.status == 200 {
      let table = ByteBuffer()
      try forEachPiece(of: part) { table.append($0) }
      table.append("\n")
      part.body = Body.whole(table)
    }
    return part
  }

  private func write(_ response: Response, to descriptor: Int32) throws {
    try forEachPiece(of: response) { CommandOutput.write($0, to: descriptor) }
  }

  private func forEachPiece(of response: Response, _ use: (UnsafeRawBufferPointer) -> Void) throws {
    if let failure = response.body.forEachPiece(Interruption(), use) {
      throw ValidationError("the answer broke off: \(failure)")
    }
  }
}
