import AutogradCore
import AutogradFormats
import AutogradHTTP

/// The reference of all operations as a page for people, `docs/operations.md`: from the catalog, with an example of
/// each and this server's answer.
enum OperationsPage {
  static func text() -> ByteBuffer {
    let page = ByteBuffer(capacity: 256 << 10)
    page.append(introduction)
    for family in OperationsDocument.families {
      page.append("| **\(family.title)** | |\n")
      for operation in family.operations {
        let name = operation.reference.name
        page.append("| [\(name)](#\(name)) | \(cell(operation.reference.summary)) |\n")
      }
    }
    for family in OperationsDocument.families {
      page.append("\n## \(family.title)\n")
      for operation in family.operations { append(operation.reference, to: page) }
    }
    return page
  }

  private static let introduction = """
    # Operations

    Made from the catalog by `make reference`: do not edit. `GET /v1/operations` and `GET
    /v1/operations/{name}` answer with the same text, and `autograd-server operations NAME` prints
    it.

    Names of operands and results are only for the reader: a node lists them in this order. ct is
    the cotangent of the result, that is, the derivative of whatever is differentiated by it; each
    derivative is what it makes of ct for an operand. Every derivative is made of these same
    operations, so derivatives have derivatives, to any order. [kinks.md](kinks.md) shows values and
    gradients at kinks and edges beside those of other libraries. Each example stands as a
    [formula](formulas.md), as a request with the same graph in JSON, and with what `/v1/evaluate`
    answers.

    | operation | |
    |---|---|

    """

  private static func append(_ reference: OperationReference, to page: ByteBuffer) {
    page.append("\n### \(reference.name)\n\n\(reference.summary)\n\n")
    let results = reference.results.joined(separator: ", ")
    page.append("    \(results) = \(reference.name)(\(reference.signature))\n\n")
    page.append("| | |\n|---|---|\n")
    page.append("| value | \(cell(reference.formula)) |\n| shape | \(cell(reference.shapeRule)) |\n")
    page.append("| dtypes | \(reference.dtypes.explanation) |\n| derivative | \(cell(reference.derivative)) |\n")
    for attribute in reference.attributes {
      let standing = attribute.defaultText.map { "default `\($0)`" } ?? "required"
      page.append(
        "| attribute `\(attribute.name)` | \(attribute.kind.rawValue), \(standing): \(cell(attribute.summary)) |\n")
    }
    if !reference.conventions.isEmpty {
      page.append("\n")
      for convention in reference.conventions { page.append("- \(convention)\n") }
    }
    appendExample(reference, to: page)
  }

  private static func appendExample(_ reference: OperationReference, to page: ByteBuffer) {
    let request = ExampleRequest.text(reference)
    let posted = Request(method: "POST", path: "", body: request.bytes)
    let response = DifferentialHandler(limits: Limits()).reply(to: posted, .evaluate).answer()
    guard response.status == 200 else { return }
    page.append("\n```\n\(ExampleRequest.formula(of: request))\n```\n")
    page.append("\n```json\n\(request.string)\n```\n\n```json\n\(response.body.string)```\n")
  }

  /// Text within a table.
  private static func cell(_ text: String) -> String {
    text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
  }
}

extension DTypeRule {
  fileprivate var explanation: String {
    switch self {
    case .any: "any"
    case .numeric: "float64, float32, int64, int32"
    case .floating: "float64, float32"
    case .boolean: "bool"
    }
  }
}
