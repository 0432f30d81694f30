/// Builds a graph node by node. Each node is checked as it is added, and its result types are inferred. A node equal to
/// an earlier one (same operation, same attributes by bit pattern, same operands) is replaced by it, so common
/// subexpressions exist once.
///
/// Not thread-safe; the ``Graph`` it yields is an immutable value.
public final class GraphBuilder {
  // The columns and tables are accessed for every node, and no method calls another during an access. Dynamic
  // exclusivity checks would cost a third of the time.
  @exclusivity(unchecked) package var columns: GraphColumns
  /// Stored with every node added from now on and reported by errors. The server uses the request's node index.
  @exclusivity(unchecked) package var label: Int32 = -1
  /// The first mistake made through operators and methods, which cannot throw.
  @exclusivity(unchecked) public private(set) var firstError: GraphError?
  /// Tensors of inputs made by ``variable(_:_:)``.
  package var boundTensors: [ValueID: Tensor] = [:]

  /// Inputs that count as constants.
  private var constantInputs: Set<ValueID> = []

  /// Constants 0, 1, …, n - 1, by n.
  var indexVectors: [Int: ValueID] = [:]

  /// While the formula of a squared length is written, see ``SquareOfRoot``.
  var isWithinRoot = false
  /// Values that a rewrite has looked through: results computed from them may no longer depend on them.
  var lookedThrough: Set<ValueID> = []

  /// Which derivatives of |x| values depend on, see ``SignedPrimitive``.
  @exclusivity(unchecked) var signs = SignTable()

  @exclusivity(unchecked) private var nodes: NodeTable
  @exclusivity(unchecked) private var typeIDs: [TensorType: Int32] = [:]
  @exclusivity(unchecked) private var attributeIDs: [Attributes: Int32] = [:]
  /// Inferred result types of the node being added.
  @exclusivity(unchecked) private var pendingTypes: [Int32] = []
  private var placeholders = 0
  private var walked = 0
  /// Marks of finished passes, for reuse.
  var idleMarks: [PassMarks] = []
  private var added = 0

  /// Maximum number of nodes, including those of transforms.
  package var maximumNodes = 1 << 26
  /// Maximum numbers of elements and axes of inputs and of results of operations. Intermediate values inside an
  /// operation are limited by ``Shape`` only.
  package var maximumElements = Shape.maximumElementCount
  package var maximumRank = Shape.maximumRank
  /// Ends building and transforms with the error `interrupted`; planning has its own.
  package var interruption: Interruption?
  /// Called each time the graph has grown by ``nodesReserved``, to reserve memory for as many more nodes. False ends
  /// building with the error `interrupted`.
  package var reserveNodes: ((_ count: Int) -> Bool)?
  private var reservedNodes = 0

  public init() {
    columns = GraphColumns()
    nodes = NodeTable()
  }

  /// A builder that continues a graph.
  public init(extending graph: Graph) {
    columns = graph.columns
    nodes = NodeTable()
    for (index, type) in columns.typeTable.enumerated() { typeIDs[type] = Int32(index) }
    for (index, attributes) in columns.attributeTable.enumerated() { attributeIDs[attributes] = Int32(index) }
    for node in 0..<NodeID(columns.nodeCount) { _ = nodes.intern(node, in: &columns) }
  }

  /// Makes a computed value a target of derivatives. Continue with the returned value. A rewrite may remove `value`
  /// itself from the formula, for example by writing its square as a sum of squares, so derivatives with respect to
  /// `value` would be lost.
  ///
  /// - Returns: a value with the same numbers to continue with. A derivative with respect to it counts only what is
  ///   computed from the returned value; whatever the value itself was computed from counts as constant.
  public func keepAsTarget(_ value: Value) -> Value {
    guard value.isValid else { return value }
    if lookedThrough.contains(value.id) || columns.operands.contains(value.id) {
      let name = columns.opcodes[Int(columns.producers[Int(value.id)])].name
      return fail(
        GraphError(
          .invalidAttribute,
          "the result of \(name) has been used already, and what was computed of it would not depend on what is kept; "
            + "call keepAsTarget before, and use what it returns"))
    }
    return kept(value)
  }

  /// The same for a value that may have been used already. Uses before this call do not depend on the returned value.
  package func kept(_ value: Value) -> Value {
    value.isValid && value.dtype.isFloating && !isConstant(value) ? emit(.kept, value) : value
  }

  /// The same with a node that is unique for `number`, also for constants: each input of a function is a variable of
  /// its own, whatever value it gets.
  package func kept(_ value: Value, apart number: Int) -> Value {
    value.isValid && value.dtype.isFloating ? emit(.kept, value, .index(number)) : value
  }

  /// The finished graph.
  /// - Precondition: the outputs belong to this builder.
  /// - Throws: the first error of the builder.
  public func graph(outputs: [Value], names: [String] = []) throws(GraphError) -> Graph {
    if let firstError { throw firstError }
    precondition(
      outputs.allSatisfy { $0.builder === self && $0.isValid }, "a value of another builder cannot be an output")
    return Graph(columns: columns, outputs: outputs.map(\.id), outputNames: names)
  }

  package func value(_ id: ValueID) -> Value { Value(self, id) }

  // MARK: Inputs and constants

  /// A value given at run time. Inputs keep the order of their declaration. A shape beyond
  /// ``Shape/maximumElementCount`` is an error, thrown when the graph is finished.
  public func input(_ name: String = "", _ dtype: DType = .float64, _ shape: Shape) -> Value {
    do throws(GraphError) {
      try shape.checkSize()
      try checkLimits(shape)
    } catch {
      return fail(error)
    }
    let position = columns.inputs.count
    let id = addLeaf(.input, internAttributes(.index(position)), internType(TensorType(dtype, shape)))
    columns.inputs.append(id)
    columns.inputNames.append(name)
    return Value(self, id)
  }

  /// A constant tensor. Scalars are interned by their bits.
  public func constant(_ tensor: Tensor) -> Value {
    if tensor.shape.isScalar { return constant(Scalar(of: tensor)) }
    columns.tensors.append(tensor)
    return Value(self, addLeaf(.constant, internAttributes(.index(columns.tensors.count - 1)), internType(tensor.type)))
  }

  public func constant(_ scalar: Scalar) -> Value {
    let attributes = internAttributes(.scalar(scalar.dtype, bits: scalar.bits))
    return Value(self, addLeaf(.constant, attributes, internType(TensorType(scalar.dtype, []))))
  }

  /// A constant whose numbers are given at run time, as for an input, so that one plan serves all its values.
  package func constantInput(_ type: TensorType) -> Value {
    let value = input("", type.dtype, type.shape)
    constantInputs.insert(value.id)
    return value
  }

  /// Whether a value is a constant, which has no gradient.
  func isConstant(_ value: Value) -> Bool {
    value.isValid
      && (columns.opcodes[Int(columns.producers[Int(value.id)])] == .constant || constantInputs.contains(value.id))
  }

  /// A placeholder that a transform replaces; plans must not contain it.
  package func placeholder(_ type: TensorType) -> Value {
    placeholders += 1
    return Value(self, addLeaf(.input, internAttributes(.index(-placeholders)), internType(type)))
  }

  /// Counts the nodes that transforms visit. Without a limit, a graph that differentiates at every node would take
  /// quadratic time.
  /// - Returns: false, with the error remembered, above the limit.
  package func spend(_ nodes: Int) -> Bool {
    walked += nodes
    if interruption?.isInterrupted == true {
      fail(Interruption.error)
      return false
    }
    if walked <= GraphBuilder.longestWalk { return true }
    fail(
      GraphError(
        .limitExceeded,
        "differentiation visits \(walked) nodes, at most \(GraphBuilder.longestWalk) are allowed",
        limit: .work(GraphBuilder.longestWalk), value: walked))
    return false
  }

  private static let longestWalk = 8_000_000

  // MARK: Nodes

  /// Adds a primitive with one result. The operands' types must fit, as in derivative rules. An error is remembered,
  /// not thrown.
  package func emit(_ opcode: Opcode, _ x: Value, _ attributes: Attributes = .none) -> Value {
    guard x.isValid else { return x }
    if let known = simplified(opcode, x, x, attributes) { return known }
    columns.operands.append(x.id)
    return finish(opcode, attributes)
  }

  package func emit(_ opcode: Opcode, _ x: Value, _ y: Value) -> Value {
    guard x.isValid else { return x }
    guard y.isValid else { return y }
    if let known = simplified(opcode, x, y, .none) { return known }
    columns.operands.append(x.id)
    columns.operands.append(y.id)
    return finish(opcode, .none)
  }

  package func emit(_ opcode: Opcode, _ operands: [Value], _ attributes: Attributes) -> [Value] {
    if let faulty = operands.first(where: { !$0.isValid }) { return [faulty] }
    for operand in operands { columns.operands.append(operand.id) }
    do throws(GraphError) {
      let node = try add(opcode, internAttributes(attributes))
      return columns.resultRange(node).map { Value(self, ValueID($0)) }
    } catch {
      return [fail(error)]
    }
  }

  /// Remembers an error and returns the invalid value that stands for it.
  @discardableResult
  package func fail(_ error: GraphError) -> Value {
    if firstError == nil { firstError = label >= 0 ? error.with(node: Int(label)) : error }
    return Value(self, -1)
  }

  /// Removes and returns the remembered error, to throw it.
  package func takeError() -> GraphError? {
    defer { firstError = nil }
    return firstError
  }

  private func finish(_ opcode: Opcode, _ attributes: Attributes) -> Value {
    do throws(GraphError) {
      let node = try add(opcode, internAttributes(attributes))
      return Value(self, columns.firstResult[Int(node)])
    } catch {
      return fail(error)
    }
  }

  /// Adds a node whose operands are at the end of `columns.operands`, or finds an equal one.
  private func add(_ opcode: Opcode, _ attributes: Int32) throws(GraphError) -> NodeID {
    checkCount()
    let (node, isNew) = append(opcode, attributes)
    guard isNew else { return node }
    pendingTypes.removeAll(keepingCapacity: true)
    do throws(GraphError) {
      try opcode.primitive.inferTypes(TypeInference(builder: self, node: node))
    } catch {
      nodes.removeLast(node, in: &columns)
      dropLastNode()
      throw error
    }
    addResults(pendingTypes, of: node)
    return node
  }

  private func addLeaf(_ opcode: Opcode, _ attributes: Int32, _ type: Int32) -> ValueID {
    let (node, isNew) = append(opcode, attributes)
    if isNew { addResults(CollectionOfOne(type), of: node) }
    return columns.firstResult[Int(node)]
  }

  /// The new node without its results, or an equal existing one.
  private func append(_ opcode: Opcode, _ attributes: Int32) -> (node: NodeID, isNew: Bool) {
    let node = NodeID(columns.nodeCount)
    columns.opcodes.append(opcode)
    columns.attributes.append(attributes)
    columns.labels.append(label)
    columns.firstOperand.append(Int32(columns.operands.count))
    let existing = nodes.intern(node, in: &columns)
    if existing != node { dropLastNode() }
    return (existing, existing == node)
  }

  private func addResults(_ types: some Sequence<Int32>, of node: NodeID) {
    for type in types {
      columns.types.append(type)
      columns.producers.append(node)
    }
    columns.firstResult.append(Int32(columns.types.count))
  }

  private func dropLastNode() {
    columns.opcodes.removeLast()
    columns.attributes.removeLast()
    columns.labels.removeLast()
    columns.firstOperand.removeLast()
    dropOpenOperands()
  }

  /// Removes operands that belong to no node yet.
  private func dropOpenOperands() {
    columns.operands.removeLast(columns.operands.count - Int(columns.firstOperand[columns.nodeCount]))
  }

  // MARK: Limits

  /// Remembers the error of a builder that has been interrupted or has grown too large. The node is added all the same,
  /// so that operations and rules never meet an invalid value in the middle. Loops over many nodes check
  /// ``firstError``.
  private func checkCount() {
    added &+= 1
    if added % GraphBuilder.nodesBetweenLooks == 0, interruption?.isInterrupted == true { fail(Interruption.error) }
    // Values and operands are limited too: they are numbered with as many bits as nodes, and a node may have any number
    // of them.
    let count = max(columns.nodeCount, columns.valueCount / 4, columns.operands.count / 16)
    if let reserveNodes, count > reservedNodes {
      // The caller knows the reason.
      if !reserveNodes(GraphBuilder.nodesReserved) { fail(Interruption.error) }
      reservedNodes += GraphBuilder.nodesReserved
    }
    guard count >= maximumNodes else { return }
    fail(
      GraphError(
        .limitExceeded,
        "the graph with its derivatives has more than the maximum of \(maximumNodes) nodes",
        limit: .nodes(maximumNodes), value: count + 1))
  }

  /// Takes some hundred microseconds to build.
  static let nodesBetweenLooks = 64
  package static let nodesReserved = 1024

  /// - Throws: `limit_exceeded` for a tensor larger than this builder's limits.
  package func checkLimits(_ shape: Shape) throws(GraphError) {
    guard shape.rank <= maximumRank else {
      throw GraphError(
        .limitExceeded, "a tensor of shape \(shape) has more than \(maximumRank) axes", limit: .rank(maximumRank),
        value: shape.rank)
    }
    guard shape.elementCount <= maximumElements else {
      throw GraphError(
        .limitExceeded, "a tensor of shape \(shape) has more than \(maximumElements) elements",
        limit: .elements(maximumElements),
        value: shape.elementCount)
    }
  }

  // MARK: Interning

  package func internType(_ type: TensorType) -> Int32 {
    if let id = typeIDs[type] { return id }
    let id = Int32(columns.typeTable.count)
    columns.typeTable.append(type)
    typeIDs[type] = id
    return id
  }

  private func internAttributes(_ attributes: Attributes) -> Int32 {
    if case .none = attributes { return 0 }
    if let id = attributeIDs[attributes] { return id }
    let id = Int32(columns.attributeTable.count)
    columns.attributeTable.append(attributes)
    attributeIDs[attributes] = id
    return id
  }

  fileprivate func addResult(_ type: Int32) { pendingTypes.append(type) }

  package func register(_ operation: any CustomOperation) -> Int {
    columns.customOperations.append(operation)
    return columns.customOperations.count - 1
  }

  /// The result types that a node's primitive infers now; for ``Graph/validate()``.
  func inferredTypes(of node: NodeID) throws(GraphError) -> [TensorType] {
    pendingTypes.removeAll(keepingCapacity: true)
    try columns.opcodes[Int(node)].primitive.inferTypes(TypeInference(builder: self, node: node))
    return pendingTypes.map { columns.typeTable[Int($0)] }
  }
}

/// What a primitive gets to infer its result types.
public struct TypeInference {
  fileprivate let builder: GraphBuilder
  package let node: NodeID

  public var operandCount: Int { builder.columns.operandRange(node).count }
  public var attributes: Attributes { builder.columns.attributes(of: node) }

  public func operand(_ index: Int) -> TensorType {
    builder.columns.typeTable[Int(typeID(index))]
  }

  package var customOperation: (any CustomOperation)? {
    guard case .index(let index) = attributes, index < builder.columns.customOperations.count else { return nil }
    return builder.columns.customOperations[index]
  }

  /// The interned type of an operand: equal types have equal numbers, so pointwise operations compare one integer.
  package func typeID(_ index: Int) -> Int32 {
    builder.columns.types[Int(builder.columns.operand(node, index))]
  }

  /// States the type of the next result.
  /// - Throws: `limit_exceeded` for a tensor with more elements than can be counted.
  public func result(_ type: TensorType) throws(GraphError) {
    try type.shape.checkSize()
    builder.addResult(builder.internType(type))
  }

  package func result(sameAs operand: Int) { builder.addResult(typeID(operand)) }

  package func fault(_ message: String) -> GraphError { GraphError(.internal, message) }
}
