import ArgumentParser
import AutogradFormats
import AutogradGraphs
import Glibc

/// `autograd-server format`: a graph in its canonical form.
struct FormatCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "format",
    abstract: "Print a graph as a formula, or as JSON.",
    discussion:
      "Prints the canonical form: what is printed is the same graph, and is printed again as it is. A graph that "
      + "cannot be read prints what is wrong with it to standard error and exits with 1."
  )

  @Argument(help: "A file with a graph, the value of a request's member graph; - reads standard input.")
  var file: String
  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let written = ByteBuffer()
    try CommandInput.read(file, into: written)
    do throws(FormatError) {
      CommandOutput.write(try text(of: written), to: STDOUT_FILENO)
    } catch {
      // The file is the graph, not a request with a member of that name.
      let place = error.pointer.map { $0.hasPrefix("/graph") ? String($0.dropFirst(6)) : $0 } ?? ""
      let line = "\(error.code.rawValue)\(place.isEmpty ? "" : " at \(place)"): \(error.detail)\n"
      CommandOutput.write(ByteBuffer(line), to: STDERR_FILENO)
      throw ExitCode.failure
    }
    withExtendedLifetime(written) {}
  }

  private func text(of written: ByteBuffer) throws(FormatError) -> ByteBuffer {
    let limits = Limits()
    let document: JSONDocument
    do throws(JSONSyntaxError) {
      document = try JSONDocument(
        parsing: written.bytes, maximumDepth: limits.jsonDepth, maximumBytes: limits.documentBytes)
    } catch {
      throw FormatError(error)
    }
    let (source, text) = try JSONGraphReader.read(document.root, of: document, limits: limits.graphs)
    var output = ByteBuffer()
    if json {
      try JSONGraphWriter.write(source, text, to: output)
    } else {
      output = try FormulaPrinter.print(source, text)
    }
    output.append("\n")
    return output
  }
}
