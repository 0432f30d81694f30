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

  @Argument(help: "A file with a graph: JSON, or a formula; - reads standard input.")
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
      let pointer = error.pointer.map { $0.hasPrefix("/graph") ? String($0.dropFirst(6)) : $0 } ?? ""
      try CommandProblem(error, in: pointer).fail()
    }
    withExtendedLifetime(written) {}
  }

  private func text(of written: ByteBuffer) throws(FormatError) -> ByteBuffer {
    let limits = Limits()
    let blanks = " \t\r\n".utf8
    let first = written.bytes.first { !blanks.contains($0) }
    // JSON is an object, or a formula as a string; a formula begins with neither.
    guard first == UInt8(ascii: "{") || first == UInt8(ascii: "\"") else {
      return try text(of: try FormulaReader.read(written.bytes, limits: limits.graphs))
    }
    let document: JSONDocument
    do throws(JSONSyntaxError) {
      document = try JSONDocument(
        parsing: written.bytes, maximumDepth: limits.jsonDepth, maximumBytes: limits.documentBytes)
    } catch {
      throw FormatError(error)
    }
    let root = document.root
    return try text(
      of: root.kind == .string
        ? try FormulaReader.read(root.stringBytes, limits: limits.graphs)
        : try JSONGraphReader.read(root, of: document, limits: limits.graphs))
  }

  private func text(of graph: (source: GraphSource, text: any SourceText)) throws(FormatError) -> ByteBuffer {
    var output = ByteBuffer()
    if json {
      try JSONGraphWriter.write(graph.source, graph.text, to: output)
    } else {
      output = try FormulaPrinter.print(graph.source, graph.text)
    }
    output.append("\n")
    return output
  }
}
