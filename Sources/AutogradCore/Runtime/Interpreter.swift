/// A node as the interpreter shows it to its primitive.
public struct InterpretedNode {
  public let operands: [Tensor]
  public let resultTypes: [TensorType]
  public let attributes: Attributes
  let customOperations: [any CustomOperation]
}

/// Runs a graph node by node on whole tensors, in the plainest terms. Slow, obvious, and the oracle of planner and executor.
public enum Interpreter {
  /// - Returns: the graph's outputs.
  /// - Throws: as ``Plan/run(_:)``.
  public static func run(_ graph: Graph, _ inputs: [Tensor]) throws(GraphError) -> [Tensor] {
    let columns = graph.columns
    guard inputs.map(\.type) == graph.inputTypes else {
      throw GraphError(.inputMismatch, "inputs are \(graph.inputTypes), \(inputs.map(\.type)) are given")
    }
    var values = [Tensor?](repeating: nil, count: columns.valueCount)
    for (value, input) in zip(columns.inputs, inputs) { values[Int(value)] = input }
    let live = graph.reachableNodes
    for node in 0..<NodeID(columns.nodeCount) where live[Int(node)] && columns.opcodes[Int(node)] != .input {
      let results = columns.resultRange(node)
      if columns.opcodes[Int(node)] == .constant {
        values[results.lowerBound] = constant(columns, node)
        continue
      }
      let operands = columns.operandRange(node).compactMap { values[Int(columns.operands[$0])] }
      let types = results.map { columns.type(of: ValueID($0)) }
      let context = InterpretedNode(
        operands: operands, resultTypes: types, attributes: columns.attributes(of: node), customOperations: columns.customOperations)
      let label = columns.labels[Int(node)]
      do throws(GraphError) {
        for (result, tensor) in zip(results, try columns.opcodes[Int(node)].primitive.interpret(context)) { values[result] = tensor }
      } catch {
        throw label >= 0 ? error.with(node: Int(label)) : error
      }
    }
    return graph.outputs.compactMap { values[Int($0)] }
  }

  private static func constant(_ columns: GraphColumns, _ node: NodeID) -> Tensor? {
    switch columns.attributes(of: node) {
    case .scalar(let dtype, let bits): Scalar(dtype, bits: bits).tensor
    case .index(let index): columns.tensors[index]
    default: nil
    }
  }
}

// MARK: Plain tensor moves, element by element

extension Shape {
  /// Every index in row-major order.
  var indices: [[Int]] {
    var result: [[Int]] = []
    let count = elementCount
    result.reserveCapacity(count)
    var index = [Int](repeating: 0, count: rank)
    for _ in 0..<count {
      result.append(index)
      for axis in stride(from: rank - 1, through: 0, by: -1) {
        index[axis] += 1
        if index[axis] < sizes[axis] { break }
        index[axis] = 0
      }
    }
    return result
  }

  func position(of index: [Int]) -> Int {
    var position = 0
    for axis in 0..<rank { position = position * sizes[axis] + index[axis] }
    return position
  }
}

extension Tensor {
  /// The tensor whose element at each index is this one's at `source(index)`.
  func gathered(to target: Shape, _ source: ([Int]) -> [Int]) -> Tensor {
    Tensor.gathered(type.with(shape: target)) { (self, source($0)) }
  }

  static func gathered(_ type: TensorType, _ source: ([Int]) -> (Tensor, [Int])) -> Tensor {
    let width = type.dtype.byteWidth
    return Tensor(type) { base in
      for (position, index) in type.shape.indices.enumerated() {
        let (tensor, place) = source(index)
        (base + position * width).copyMemory(from: tensor.storage.base + tensor.shape.position(of: place) * width, byteCount: width)
      }
    }
  }

  /// Zeros with this tensor's element of each index at `target(index)`.
  func scattered(into whole: Shape, _ target: ([Int]) -> [Int]) -> Tensor {
    let width = dtype.byteWidth
    return Tensor(type.with(shape: whole)) { base in
      base.initializeMemory(as: UInt8.self, repeating: 0, count: whole.elementCount * width)
      for (position, index) in shape.indices.enumerated() {
        (base + whole.position(of: target(index)) * width).copyMemory(from: storage.base + position * width, byteCount: width)
      }
    }
  }
}
