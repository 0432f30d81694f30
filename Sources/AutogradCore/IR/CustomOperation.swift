/// An operation that you define: what it computes (`forward`) and its derivative (`backward`).
///
///     struct Cube: CustomOperation {
///       let name = "cube"
///       func forward(_ x: [Tensor]) -> [Tensor] { [x[0].map { $0 * $0 * $0 }] }
///       func backward(_ x: [Value], _ y: [Value], _ ct: [Value?]) -> [Value?] { [ct[0].map { $0 * 3 * x[0] * x[0] }] }
///     }
///     let y = Cube()(x)
///
/// `backward` writes graph operations, so the derivative can be differentiated again.
public protocol CustomOperation: Sendable {
  var name: String { get }

  /// The types of the results. The default is one result of the first operand's type.
  /// - Throws: `shape_mismatch` or `dtype_mismatch` if the operands do not fit.
  func resultTypes(_ operands: [TensorType]) throws(GraphError) -> [TensorType]

  /// The results, of exactly the types that ``resultTypes(_:)`` states.
  func forward(_ operands: [Tensor]) throws(GraphError) -> [Tensor]

  /// The cotangent of each operand, nil for zero. A cotangent in `cotangents` is nil if the result is not used.
  func backward(_ operands: [Value], _ results: [Value], _ cotangents: [Value?]) -> [Value?]
}
