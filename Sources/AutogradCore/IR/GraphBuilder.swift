/// Builds a graph node by node. Each node is checked as it is added, its result types inferred, and a node equal to an
/// earlier one (same operation, same attributes by bit pattern, same operands) becomes that one: common subexpressions
/// exist once.
///
/// Not thread-safe; the ``Graph`` it yields is an immutable value.
public final class GraphBuilder {
  // The columns and tables are reached for every node, and only from methods that do not call one another inside an
  // access: dynamic checks of exclusivity would cost a third of the time.
  @exclusivity(unchecked) package var columns: GraphColumns
  /// Stamped on every node added from now on and reported by errors: the server puts the request's node index here.
  @exclusivity(unchecked) package var label: Int32 = -1
  /// The first mistake made through operators and methods, which cannot throw.
  @exclusivity(unchecked) public private(set) var firstError: GraphError?
  /// Tensors of inputs made by ``variable(_:_:)``.
  package var boundTensors: [ValueID: Tensor] = [:]

  /// Inputs that count as constants.
  private var constantInputs: Set<ValueID> = []

  /// Constants 0, 1, …, n - 1 by their lengths.
  var indexVectors: [Int: ValueID] = [:]

  /// While the formula of a squared length is written, see ``SquareOfRoot``.
  var isWithinRoot = false
  /// Values that a rewrite has looked through: what was computed of them does not depend on them any more.
  var lookedThrough: Set<ValueID> = []

  /// Which derivatives of |x| values depend on, see ``SignedPrimitive``.
  @exclusivity(unchecked) var signs = SignTable()

  @exclusivity(unchecked) private var nodes: NodeTable
  @exclusivity(unchecked) private var typeIDs: [TensorType: Int32] = [:]
  @exclusivity(unchecked) private var attributeIDs: [Attributes: Int32] = [:]
  /// Result types that inference has found for the node being added.
  @exclusivity(unchecked) private var pendingTypes: [Int32] = []
  private var placeholders = 0
  private var walked = 0
  /// Of passes that are over.
  var idleMarks: [PassMarks] = []
  private var added = 0

  /// The most nodes that there may be: what a request and the transforms asked for may expand to.
  package var maximumNodes = 1 << 26
  /// The most elements and axes that inputs, and results of operations, may have; what operations are made of inside
  /// obeys ``Shape``'s limits.
  package var maximumElements = Shape.maximumElementCount
  package var maximumRank = Shape.maximumRank
  /// Ends building and transforms with the error `interrupted`; planning has its own.
  package var interruption: Interruption?
  /// Asked, each time the graph has grown by ``nodesReserved``, for memory for as many nodes more. False ends building
  /// with the error `interrupted`.
  package var reserveNodes: ((_ count: Int) -> Bool)?
  private var reservedNodes = 0

  public init() {
    columns = GraphColumns()
    nodes = NodeTable()
  }

  /// A builder that goes on where a graph ends.
  public init(extending graph: Graph) {
    columns = graph.columns
    nodes = NodeTable()
    for (index, type) in columns.typeTable.enumerated() { typeIDs[type] = Int32(index) }
    for (index, attributes) in columns.attributeTable.enumerated() { attributeIDs[attributes] = Int32(index) }
    for node in 0..<NodeID(columns.nodeCount) { _ = nodes.intern(node, in: &columns) }
  }

  /// A computed value as one that derivatives will be taken with respect to. Compute with what is returned: a square of
  /// `value` itself may be written as a sum of squares in which it does not occur, and derivatives that were taken of
  /// it may hold it.
  ///
  /// - Returns: the same number for the graph to go on with. By it, what it is made of is constant, as are the
  ///   derivatives by that: only what is computed of what is returned counts.
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

  /// The same for a value that may have been used, under another name: what is computed of it then is not made of this.
  package func kept(_ value: Value) -> Value {
    value.isValid && value.dtype.isFloating && !isConstant(value) ? emit(.kept, value) : value
  }

  /// The same under a name that only this number has, for constants too: an input of a function is a variable of its
  /// own whatever it is given.
  package func kept(_ value: Value, apart number: Int) -> Value {
    value.isValid && value.dtype.isFloating ? emit(.kept, value, .index(number)) : value
  }

  /// The finished graph.
  /// - Precondition: the outputs belong to this builder.
  /// - Throws: the first mistake made on the way.
  public func graph(outputs: [Value], names: [String] = []) throws(GraphError) -> Graph {
    if let firstError { throw firstError }
    precondition(
      outputs.allSatisfy { $0.builder === self && $0.isValid }, "a value of another builder cannot be an output")
    return Graph(columns: columns, outputs: outputs.map(\.id), outputNames: names)
  }

  package func value(_ id: ValueID) -> Value { Value(self, id) }

  // MARK: Inputs and constants

  /// A value to be given at run time. Inputs keep the order in which they are declared. A shape beyond
  /// ``Shape/maximumElementCount`` is a mistake that is thrown when the graph is finished.
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

  /// A constant whose numbers are given at run time, as those of an input are, so that one plan serves all of them.
  package func constantInput(_ type: TensorType) -> Value {
    let value = input("", type.dtype, type.shape)
    constantInputs.insert(value.id)
    return value
  }

  /// Whether a value is a constant, which nothing is differentiated by.
  func isConstant(_ value: Value) -> Bool {
    value.isValid
      && (columns.opcodes[Int(columns.producers[Int(value.id)])] == .constant || constantInputs.contains(value.id))
  }

  /// A value that stands for one to be put in its place by a transform; no plan may need it.
  package func placeholder(_ type: TensorType) -> Value {
    placeholders += 1
    return Value(self, addLeaf(.input, internAttributes(.index(-placeholders)), internType(type)))
  }

  /// Counts the nodes that transforms walk over. A graph that differentiates at every node would make that quadratic.
  /// - Returns: false, with the error remembered, once it is too much.
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
        "differentiating walks over \(walked) nodes in all, at most \(GraphBuilder.longestWalk) are allowed",
        limit: .work(GraphBuilder.longestWalk), value: walked))
    return false
  }

  private static let longestWalk = 8_000_000

  // MARK: Nodes

  /// Adds a primitive with one result to operands whose types already fit: how derivative rules write. A mistake is
  /// remembered, not thrown.
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

  /// Remembers a mistake and returns the faulty value that stands for it.
  @discardableResult
  package func fail(_ error: GraphError) -> Value {
    if firstError == nil { firstError = label >= 0 ? error.with(node: Int(label)) : error }
    return Value(self, -1)
  }

  /// Takes the remembered mistake out, to throw it.
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

  /// Adds a node whose operands stand at the end of `columns.operands`, or finds its equal.
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

  /// The node without its results yet, or the equal one that there was.
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

  /// Those of no node yet.
  private func dropOpenOperands() {
    columns.operands.removeLast(columns.operands.count - Int(columns.firstOperand[columns.nodeCount]))
  }

  // MARK: Limits

  /// Remembers the error of a builder that has been interrupted or has grown too large. The node that is being added is
  /// added all the same, so that what an operation or a rule makes in between can be relied on; whoever goes through
  /// many looks at ``firstError``.
  private func checkCount() {
    added &+= 1
    if added % GraphBuilder.nodesBetweenLooks == 0, interruption?.isInterrupted == true { fail(Interruption.error) }
    // Values and operands are counted in as many bits as nodes, and a node has any number of them.
    let count = max(columns.nodeCount, columns.valueCount / 4, columns.operands.count / 16)
    if let reserveNodes, count > reservedNodes {
      // Whoever says no knows why.
      if !reserveNodes(GraphBuilder.nodesReserved) { fail(Interruption.error) }
      reservedNodes += GraphBuilder.nodesReserved
    }
    guard count >= maximumNodes else { return }
    fail(
      GraphError(
        .limitExceeded,
        "the graph, with all that is made of it, has more than the \(maximumNodes) nodes that are allowed",
        limit: .nodes(maximumNodes), value: count + 1))
  }

  /// Some hundred microseconds of building.
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

/// What a primitive sees when it is asked for its result types.
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
