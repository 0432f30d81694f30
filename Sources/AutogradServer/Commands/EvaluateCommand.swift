import ArgumentParser
import AutogradCore
import AutogradFormats
import AutogradHTTP
import Glibc

/// `autograd-server evaluate`: the same request without a socket.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Answer one request from a file, without a server.",
    discussion:
      "Prints what POST /v1/evaluate would answer. A rejected request prints the problem to standard error and exits "
      + "with 1."
  )

  @Argument(help: "A file with a request to /v1/evaluate, JSON or safetensors; - reads standard input.")
  var file: String

  func run() throws {
    let body = ByteBuffer()
    try CommandInput.read(file, into: body)
    // No JSON has a zero among its first bytes; the length of a header has.
    let isSafetensors = body.count > 8 && body.bytes[7] == 0 && body.bytes[8] == UInt8(ascii: "{")
    let request = Request(
      method: "POST", path: "/v1/evaluate", contentType: isSafetensors ? MediaTypes.safetensors : nil, body: body.bytes)
    let response = DifferentialHandler(limits: Limits()).reply(to: request, .evaluate).answer()
    withExtendedLifetime(body) {}
    let output = response.status == 200 ? STDOUT_FILENO : STDERR_FILENO
    let failure = response.body.forEachPiece(Interruption()) { CommandOutput.write($0, to: output) }
    if let failure { throw ValidationError("the answer broke off: \(failure)") }
    if response.status != 200 { throw ExitCode.failure }
  }
}

/// What commands read.
enum CommandInput {
  /// - Parameter file: a path; - for standard input.
  static func read(_ file: String, into buffer: ByteBuffer) throws {
    let descriptor = file == "-" ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ValidationError("\(file): \(String(cString: strerror(errno)))") }
    defer { if descriptor != STDIN_FILENO { close(descriptor) } }
    while true {
      let count = Glibc.read(descriptor, buffer.reserve(1 << 16), 1 << 16)
      if count < 0 && errno == EINTR { continue }
      if count < 0 { throw ValidationError("\(file): \(String(cString: strerror(errno)))") }
      if count == 0 { return }
      buffer.commit(count)
    }
  }
}

/// What commands print.
enum CommandOutput {
  static func write(_ buffer: ByteBuffer, to descriptor: Int32) { write(buffer.bytes, to: descriptor) }

  static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { return }
      rest = rest.dropFirst(count)
    }
  }
}
