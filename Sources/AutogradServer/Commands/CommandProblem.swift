import ArgumentParser
import AutogradFormats
import AutogradHTTP
import Glibc

/// What is wrong with what was given to a command, as it is printed: where, what, how to mend it, and for a text the
/// line with a mark below the place.
struct CommandProblem: Error {
  private let text: String

  /// - Parameters:
  ///   - argument: which argument it is, or where in it.
  init(_ error: FormatError, in argument: String) {
    let place = error.place
    text = CommandProblem.text(
      argument, line: place?.line, column: place?.column, error.code.rawValue, error.detail, excerpt: place?.excerpt)
  }

  /// Of a request that is made of arguments.
  init(_ error: FormatError) { self.init(error, in: CommandRequest.argument(at: error.pointer ?? "")) }

  /// - Parameter answer: a problem in JSON, which a request that is made of arguments was answered with.
  init(_ answer: Response) {
    guard let document = try? JSONDocument(parsing: answer.body.bytes), document.root.kind == .object else {
      text = answer.body.string
      return
    }
    let root = document.root
    text = CommandProblem.text(
      CommandRequest.argument(at: root["pointer"]?.string ?? ""), line: root["line"]?.integer,
      column: root["column"]?.integer, root["code"]?.string ?? "", root["detail"]?.string ?? "",
      excerpt: root["excerpt"]?.string)
    withExtendedLifetime(answer) {}
  }

  private static func text(
    _ argument: String, line: Int?, column: Int?, _ code: String, _ detail: String, excerpt: String?
  ) -> String {
    var start = argument.isEmpty ? "" : argument + ": "
    if let line, let column { start += "line \(line), column \(column): " }
    return start + "\(code): \(detail)\n" + (excerpt.map { $0 + "\n" } ?? "")
  }

  /// Prints it and ends the command.
  func fail() throws -> Never {
    CommandOutput.write(ByteBuffer(text), to: STDERR_FILENO)
    throw ExitCode.failure
  }
}
