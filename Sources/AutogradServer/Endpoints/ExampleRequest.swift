import AutogradCore
import AutogradFormats
import AutogradGraphs

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

  /// The graph of a request as a formula, without the outputs where they are all there is.
  static func formula(of request: ByteBuffer) -> String {
    defer { withExtendedLifetime(request) {} }
    guard let document = try? JSONDocument(parsing: request.bytes), let graph = document.root["graph"],
      var read = try? JSONGraphReader.read(graph, of: document, limits: Limits().graphs)
    else { return "" }
    if read.source.nodes.count == 1 { read.source.bodies[0].outputs = nil }
    return (try? FormulaPrinter.print(read.source, read.text).string) ?? ""
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
