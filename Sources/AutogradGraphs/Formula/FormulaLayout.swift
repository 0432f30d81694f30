import AutogradCore
import AutogradFormats

/// Where the parts of a formula stand, in the columns of its ``GraphSource``. Offsets are bytes of the text.
struct FormulaPlaces {
  var bodies: [Int] = []
  var nodes: [Int] = []
  var attributes: [[(name: String, place: Int)]] = []
  var operands: [Range<Int>] = []
  var results: [Int] = []
  var inputs: [Int] = []
  var constants: [Int] = []
  var outputs: [Int] = []
}

/// Joins the drafts of a formula into a ``GraphSource``, and reads its literals.
struct FormulaLayout {
  private let bytes: FormulaBytes
  private let parser: FormulaParser
  private let document: JSONDocument
  private let values: [JSONValue]
  private let defaultDType: DType
  private(set) var source = GraphSource()
  private(set) var places = FormulaPlaces()

  init(_ parser: FormulaParser, _ document: JSONDocument, defaultDType: DType) throws(FormatError) {
    bytes = parser.bytes
    self.parser = parser
    self.document = document
    self.defaultDType = defaultDType
    values = FormulaLiterals.values(of: document)
    source.numbers = parser.numbers
    source.hasFixedConstants = true
    source.order = parser.draft.free
    let count = parser.nodeCount
    source.nodes.reserveCapacity(count)
    source.results.reserveCapacity(count)
    source.operands.reserveCapacity(2 * count)
    for tensor in parser.tensors {
      source.tensors.append(try self.tensor(tensor.literal, .fallback(defaultDType), at: tensor.place))
    }
    for draft in [parser.draft] + parser.functions { try append(draft) }
  }

  /// The values of the lists that are operands.
  var lists: [JSONValue] { parser.lists.map { values[$0] } }

  private func tensor(_ literal: Int, _ expected: TensorDecoder.Expected, at place: Int) throws(FormatError) -> Tensor {
    do throws(FormatError) {
      return try TensorDecoder(document: document).decode(values[literal], expected)
    } catch {
      throw error.at(bytes.pointer, TextPlace(place, in: bytes.text))
    }
  }

  // MARK: Bodies

  private mutating func append(_ draft: FormulaDraft) throws(FormatError) {
    var body = GraphSource.Body()
    body.name = draft.name
    body.nodes = source.nodes.count..<source.nodes.count + draft.nodes.count
    body.results = source.results.count..<source.results.count + draft.results.count
    let isFunction = !source.bodies.isEmpty
    if isFunction || !draft.inputs.isEmpty {
      body.inputs = source.inputs.count..<source.inputs.count + draft.inputs.count
    }
    body.constants = source.constants.count..<source.constants.count + draft.constants.count
    if let outputs = draft.outputs {
      body.outputs = source.outputs.count..<source.outputs.count + outputs.count
      source.outputs += outputs.map(\.name)
      places.outputs += outputs.map(\.place)
    }
    for input in draft.inputs { try append(input) }
    for constant in draft.constants {
      if values[constant.literal].namesDType { source.typedConstants.insert(source.constants.count) }
      source.constants.append(
        (constant.name, try tensor(constant.literal, .fallback(defaultDType), at: constant.place)))
      places.constants.append(constant.place)
    }
    for node in draft.nodes { try append(node) }
    source.operands += draft.operands
    places.operands += draft.operandSpans
    source.results += draft.results
    places.results += draft.resultPlaces
    source.bodies.append(body)
    places.bodies.append(draft.place)
  }

  private mutating func append(_ input: FormulaDraft.Input) throws(FormatError) {
    var declaration = input.declaration
    if let literal = input.literal {
      let name = declaration.name.string
      let expected = declaration.dtype.map { TensorDecoder.Expected.required($0, "the input \(name)") }
      declaration.fallback = try tensor(literal, expected ?? .fallback(defaultDType), at: input.place)
      if let refusal = declaration.refusalOfFallback {
        throw bytes.fault(.shapeMismatch, input.place, refusal)
      }
    }
    source.inputs.append(declaration)
    places.inputs.append(input.place)
  }

  private mutating func append(_ node: FormulaDraft.Node) throws(FormatError) {
    let (operands, results) = (source.operands.count, source.results.count)
    var attributes: [String: AttributeValue]?
    if let literal = node.value {
      attributes = ["value": .tensor(try tensor(literal, .fallback(defaultDType), at: node.place))]
    } else if let literal = node.attributes {
      attributes = try read(literal, node)
    }
    let isTyped =
      node.value.map { values[$0].namesDType }
      ?? node.attributes.map { values[$0].members.contains { $0.value.namesDType } }
    if isTyped == true { source.typedAttributes.insert(source.attributes.count) }
    if let attributes { source.attributes.append(attributes) }
    source.nodes.append(
      GraphSource.Node(
        node.operation, operands: node.operands.lowerBound + operands..<node.operands.upperBound + operands,
        results: node.results.lowerBound + results..<node.results.upperBound + results,
        attributes: attributes == nil ? nil : source.attributes.count - 1))
    places.nodes.append(node.place)
    places.attributes.append(node.attributePlaces)
  }

  private func read(_ literal: Int, _ node: FormulaDraft.Node) throws(FormatError) -> [String: AttributeValue] {
    let reference = node.operation.reference
    do throws(FormatError) {
      return try JSONAttributeReader(document: document, defaultDType: defaultDType).read(values[literal], reference)
    } catch {
      let pointer = error.pointer ?? ""
      let place = node.attributePlaces.first { pointer.hasPrefix("/attributes" + Pointer.member($0.name)) }?.place
      throw error.at(bytes.pointer, TextPlace(place ?? node.place, in: bytes.text))
        .inNode(nil, operation: reference.name)
    }
  }
}
