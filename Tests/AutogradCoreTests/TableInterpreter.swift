import AutogradTestSupport
import CKernels

@testable import AutogradCore

/// Runs graphs of elementwise operations with the kernels of any table that the processor has, not only the one that
/// plans use.
struct TableInterpreter {
  let table: OpaquePointer
  var name: String { String(cString: ck_name(table)) }

  static var all: [TableInterpreter] { Kernels.all.map { TableInterpreter(table: $0) } }

  func run(_ graph: Graph, _ inputs: [Tensor]) throws -> [Tensor] {
    let columns = graph.columns
    var values = [Tensor?](repeating: nil, count: columns.valueCount)
    for (value, input) in zip(columns.inputs, inputs) { values[Int(value)] = input }
    let live = graph.reachableNodes
    for node in 0..<NodeID(columns.nodeCount) where live[Int(node)] && columns.opcodes[Int(node)] != .input {
      let result = columns.resultRange(node).lowerBound
      let operands = columns.operandRange(node).compactMap { values[Int(columns.operands[$0])] }
      values[result] = try apply(columns, node, columns.type(of: ValueID(result)), operands)
    }
    return graph.outputs.compactMap { values[Int($0)] }
  }

  private func apply(_ columns: GraphColumns, _ node: NodeID, _ type: TensorType, _ operands: [Tensor]) throws
    -> Tensor?
  {
    let primitive = columns.opcodes[Int(node)].primitive
    if let pointwise = primitive as? PointwisePrimitive {
      return apply(pointwise.function.kernel, columns.attributes(of: node), type, operands)
    }
    switch columns.opcodes[Int(node)] {
    case .constant:
      return switch columns.attributes(of: node) {
      case .scalar(let dtype, let bits): Scalar(dtype, bits: bits).tensor
      case .index(let index): columns.tensors[index]
      default: nil
      }
    case .broadcast where operands[0].elementCount == 1: return repeated(operands[0], type)
    case .select, .settled: return chosen(type, operands)
    default:
      let shown = InterpretedNode(
        operands: operands, resultTypes: [type], attributes: columns.attributes(of: node),
        customOperations: columns.customOperations)
      return try primitive.interpret(shown).first
    }
  }

  private func apply(
    _ kernel: PointwiseFunction.Kernel, _ attributes: Attributes, _ type: TensorType, _ operands: [Tensor]
  ) -> Tensor {
    let (count, from) = (type.elementCount, Int32(operands[0].dtype.rawValue))
    return Tensor(type) { z in
      switch kernel {
      case .unary(let op): ck_unary(table, Int32(op.rawValue), from)?(count, z, 1, operands[0].storage.base, 1)
      case .binary(let op):
        _ = ck_binary(table, Int32(op.rawValue), from)?(
          count, z, 1, operands[0].storage.base, 1, operands[1].storage.base, 1)
      case .ternary(let op):
        z.copyMemory(from: operands[0].storage.base, byteCount: type.byteCount)
        _ = ck_binary(table, Int32(op.rawValue), from)?(
          count, z, 1, operands[1].storage.base, 1, operands[2].storage.base, 1)
      case .family(let op, let family):
        for index in 0..<count { family.putCode(attributes, type.dtype, z + index * type.dtype.byteWidth) }
        let (x, y) = (operands[0].storage.base, operands[operands.count - 1].storage.base)
        _ = ck_binary(table, Int32(op.rawValue), from)?(
          count, z, 1, family.arity == 1 ? UnsafeRawPointer(z) : UnsafeRawPointer(x), 1, y, 1)
      }
    }
  }

  private func repeated(_ scalar: Tensor, _ type: TensorType) -> Tensor {
    let width = type.dtype.byteWidth
    return Tensor(type) { z in
      for index in 0..<type.elementCount { (z + index * width).copyMemory(from: scalar.storage.base, byteCount: width) }
    }
  }

  private func chosen(_ type: TensorType, _ operands: [Tensor]) -> Tensor {
    Tensor(type) { z in
      z.copyMemory(from: operands[2].storage.base, byteCount: type.byteCount)
      ck_select(table, Int32(type.dtype.rawValue))?(
        type.elementCount, z, 1, operands[0].storage.base, 1, operands[1].storage.base, 1)
    }
  }
}
