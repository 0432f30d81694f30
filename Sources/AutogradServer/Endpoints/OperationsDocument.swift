import AutogradCore
import AutogradFormats
import AutogradGraphs
import AutogradHTTP

/// `GET /v1/operations` and `/v1/operations/{name}`, and the output of the command line: the catalog as a document.
enum OperationsDocument {
  /// All that a node can name, as it is listed to people.
  static let families = OpCatalog.families + [OpCatalog.Family("Functions of the graph", [CallOperation.shared])]
  static let operations = families.flatMap(\.operations)

  static let list: ByteBuffer = {
    let json = ByteBuffer(capacity: 32 << 10)
    json.append("{\"operations\": [")
    var separator = "\n  "
    for family in families {
      for operation in family.operations {
        json.append(separator)
        append(operation.reference, of: family, to: json)
        separator = ",\n  "
      }
    }
    json.append("\n]}\n")
    return json
  }()

  static func response(name: String) throws(Problem) -> Response {
    guard let document = document(of: name) else {
      let hint = OpCatalog.hint(for: String(name.prefix(64))) ?? "/v1/operations lists all"
      throw Problem(.notFound, "no operation is called \(name.prefix(64)); \(hint)")
    }
    return Response(body: document)
  }

  /// Nil for a name that is no operation.
  static func document(of name: String) -> ByteBuffer? {
    for family in families {
      guard let operation = family.operations.first(where: { $0.reference.name == name }) else { continue }
      let json = ByteBuffer(capacity: 4 << 10)
      append(operation.reference, of: family, to: json)
      json.append("\n")
      return json
    }
    return nil
  }

  private static func append(_ reference: OperationReference, of family: OpCatalog.Family, to json: ByteBuffer) {
    let results = reference.hasManyResults ? "any number" : "\(reference.results.count)"
    json.append("{\"name\": \"\(reference.name)\", \"family\": ")
    json.appendJSONString(family.title)
    json.append(", \"summary\": ")
    json.appendJSONString(reference.summary)
    // Of any number at least one.
    json.append(", \"arity\": \(reference.minimumOperandCount), \"inputs\": ")
    append(reference.operands, to: json)
    json.append(", \"outputs\": ")
    append(reference.results, to: json)
    json.append(", \"results\": \"\(results)\", \"formula\": ")
    json.appendJSONString(reference.formula)
    json.append(", \"dtypes\": \"\(reference.dtypes.rawValue)\", \"shape\": ")
    json.appendJSONString(reference.shapeRule)
    json.append(", \"derivative\": ")
    json.appendJSONString(reference.derivative)
    json.append(", \"attributes\": [")
    for (index, attribute) in reference.attributes.enumerated() {
      if index > 0 { json.append(", ") }
      append(attribute, to: json)
    }
    json.append("], \"conventions\": ")
    append(reference.conventions, to: json)
    appendExample(reference, to: json)
    json.append("}")
  }

  private static func append(_ attribute: AttributeReference, to json: ByteBuffer) {
    json.append(
      "{\"name\": \"\(attribute.name)\", \"kind\": \"\(attribute.kind.rawValue)\", \"required\": "
        + "\(attribute.isRequired)"
    )
    // A default is JSON as it stands.
    if let text = attribute.defaultText { json.append(", \"default\": \(text)") }
    json.append(", \"summary\": ")
    json.appendJSONString(attribute.summary)
    json.append("}")
  }

  private static func append(_ texts: [String], to json: ByteBuffer) {
    json.append("[")
    for (index, text) in texts.enumerated() {
      if index > 0 { json.append(", ") }
      json.appendJSONString(text)
    }
    json.append("]")
  }

  /// The first sample as a request, with its graph as a formula and the answer that this server gives.
  private static func appendExample(_ reference: OperationReference, to json: ByteBuffer) {
    let request = ExampleRequest.text(reference)
    let posted = Request(method: "POST", path: "", body: request.bytes)
    let response = DifferentialHandler(limits: Limits()).reply(to: posted, .evaluate).answer()
    guard response.status == 200 else { return }
    json.append(", \"example\": {\"formula\": ")
    json.appendJSONString(ExampleRequest.formula(of: request))
    json.append(", \"request\": ")
    json.append(request)
    json.append(", \"answer\": ")
    withExtendedLifetime(response) {
      json.append(UnsafeRawBufferPointer(rebasing: response.body.bytes.dropLast()))
    }
    json.append("}")
  }
}
