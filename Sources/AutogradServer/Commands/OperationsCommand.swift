import ArgumentParser
import AutogradCore
import AutogradFormats
import AutogradGraphs
import Glibc

/// `autograd-server operations`: the catalog, for people.
struct OperationsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "operations", abstract: "List the operations, or explain one.")

  @Argument(help: "An operation; without one, all are listed.")
  var name: String?
  @Flag(help: "Print the JSON that GET /v1/operations answers.")
  var json = false
  @Flag(help: "Print the page docs/operations.md.")
  var page = false

  func validate() throws {
    if page && (json || name != nil) {
      throw ValidationError("--page takes no operation and no --json: the page has all operations")
    }
  }

  func run() throws {
    if page { return CommandOutput.write(OperationsPage.text(), to: STDOUT_FILENO) }
    guard let name else {
      return CommandOutput.write(json ? OperationsDocument.list : OperationsCommand.list, to: STDOUT_FILENO)
    }
    guard let operation = CallOperation.operation(named: name), let document = OperationsDocument.document(of: name)
    else {
      throw ValidationError("no operation is called \(name)" + (OpCatalog.hint(for: name).map { "; " + $0 } ?? ""))
    }
    CommandOutput.write(json ? document : OperationsCommand.explain(operation.reference), to: STDOUT_FILENO)
  }

  private static var list: ByteBuffer {
    let names = OperationsDocument.operations.map(\.reference.name)
    let width = names.map(\.count).max() ?? 0
    let lines = OperationsDocument.operations.map { operation in
      let name = operation.reference.name
      return name + String(repeating: " ", count: width + 2 - name.count) + operation.reference.summary
    }
    return ByteBuffer(lines.joined(separator: "\n") + "\n")
  }

  private static func explain(_ reference: OperationReference) -> ByteBuffer {
    var lines = [
      "\(reference.name)(\(reference.signature)) -> \(reference.results.joined(separator: ", "))", "",
      reference.summary, "",
      "  value       \(reference.formula)", "  shape       \(reference.shapeRule)",
      "  dtypes      \(reference.dtypes.rawValue)",
      "  derivative  \(reference.derivative)",
    ]
    if !reference.attributes.isEmpty { lines += ["", "attributes"] }
    for attribute in reference.attributes {
      let standing = attribute.defaultText.map { "default \($0)" } ?? "required"
      lines.append("  \(attribute.name): \(attribute.kind.rawValue), \(standing). \(attribute.summary)")
    }
    if !reference.conventions.isEmpty { lines += ["", "conventions"] + reference.conventions.map { "  - " + $0 } }
    let request = ExampleRequest.text(reference)
    let formula = ExampleRequest.formula(of: request).split(separator: "\n").map { "  " + $0 }
    lines += ["", "example"] + formula + ["  " + request.string]
    return ByteBuffer(lines.joined(separator: "\n") + "\n")
  }
}
