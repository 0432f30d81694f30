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

  /// The first sample as a request, with the answer that this server gives.
  private static func appendExample(_ reference: OperationReference, to json: ByteBuffer) {
    let request = ExampleRequest.text(reference)
    let posted = Request(method: "POST", path: "", body: request.bytes)
    let response = DifferentialHandler(limits: Limits()).reply(to: posted, .evaluate).answer()
    guard response.status == 200 else { return }
    json.append(", \"example\": {\"request\": ")
    json.append(request)
    json.append(", \"answer\": ")
    withExtendedLifetime(response) {
      json.append(UnsafeRawBufferPointer(rebasing: response.body.bytes.dropLast()))
    }
    json.append("}")
  }
}

/// A small request that uses one operation.
enum ExampleRequest {
  /// - Parameter sample: one of the reference's; by default the one that is documented.
  static func text(_ reference: OperationReference, _ sample: OperationSample? = nil) -> ByteBuffer {
    guard let sample = sample ?? reference.samples.first else { return ByteBuffer(CallOperation.example) }
    let names = reference.operands.prefix(sample.shapes.count)
    let operands = reference.hasManyOperands ? sample.shapes.indices.map { "x\($0)" } : Array(names)
    let json = ByteBuffer()
    let outputs = reference.hasManyResults ? (0..<sample.resultCount).map { "y\($0)" } : reference.results
    func list(_ names: [String]) -> String { "[" + names.map { "\"\($0)\"" }.joined(separator: ", ") + "]" }
    json.append(
      "{\"graph\": {\"nodes\": [{\"op\": \"\(reference.name)\", \"inputs\": \(list(operands)), \"outputs\": "
        + "\(list(outputs))"
    )
    if !sample.attributes.isEmpty {
      json.append(", \"attributes\": {")
      for (index, name) in sample.attributes.keys.sorted().enumerated() {
        json.append(index > 0 ? ", \"\(name)\": " : "\"\(name)\": ")
        append(sample.attributes[name] ?? .null, to: json)
      }
      json.append("}")
    }
    json.append("}], \"outputs\": \(list(outputs))}, \"inputs\": {")
    let bound = max(reference.indexBound(sample.shapes, sample.attributes) ?? 1, 1)
    for (index, (name, shape)) in zip(operands, sample.shapes).enumerated() {
      if index > 0 { json.append(", ") }
      json.append("\"\(name)\": ")
      // Numbers without a dtype would be read as floats, and so would empty lists.
      let form: TensorEncoder.Form = reference.kind(of: index) == .index || shape.isEmpty ? .nested : .values
      TensorEncoder(form: form).append(operand(index, shape, reference, bound: bound), to: json)
    }
    json.append("}}")
    return json
  }

  /// Small whole numbers, or numbers within a narrower domain; indices below the bound.
  private static func operand(_ index: Int, _ shape: Shape, _ reference: OperationReference, bound: Int) -> Tensor {
    let count = shape.elementCount
    switch reference.kind(of: index) {
    case .condition: return Tensor((0..<count).map { $0 % 2 == 0 }, shape: shape)
    case .index: return Tensor((0..<count).map { Int64(bound - 1 - $0 % bound) }, shape: shape)
    case .promoted, .asItIs: break
    }
    if reference.dtypes == .boolean { return Tensor((0..<count).map { ($0 + index) % 2 == 0 }, shape: shape) }
    let domain = reference.domain
    guard domain.lowerBound > -2 || domain.upperBound < 2 else {
      return Tensor((0..<count).map { Double($0 + 1 + index * count) }, shape: shape)
    }
    let step = (domain.upperBound - domain.lowerBound) / Double(count + 1)
    let spread = (0..<count).map { ((domain.lowerBound + step * Double($0 + 1)) * 100).rounded() / 100 }
    guard index == reference.factorizedOperand, let size = shape.last, size > 0 else {
      return Tensor(spread, shape: shape)
    }
    // Diagonally dominant, so that the matrix is not singular.
    return Tensor(spread.enumerated().map { $0 / size % size == $0 % size ? Double(size + 1) : $1 }, shape: shape)
  }

  private static func append(_ value: AttributeValue, to json: ByteBuffer) {
    switch value {
    case .null, .other: json.append("null")
    case .boolean(let flag): json.append("\(flag)")
    case .integer(let integer): json.append("\(integer)")
    case .number(let number): json.append(double: number)
    case .text(let text): json.appendJSONString(text)
    case .integers(let list):
      json.append("[" + list.map { $0.map(String.init) ?? "null" }.joined(separator: ", ") + "]")
    case .integerLists(let lists): json.append("[" + lists.map(\.description).joined(separator: ", ") + "]")
    case .numbers(let list):
      for (index, number) in list.enumerated() {
        json.append(index > 0 ? ", " : "[")
        json.append(double: number)
      }
      json.append(list.isEmpty ? "[]" : "]")
    case .tensor(let tensor): TensorEncoder(form: .values).append(tensor, to: json)
    }
  }
}
