/// Tensors are equal if dtypes, shapes and elements are equal. Elements are compared as numbers: 0.0 equals -0.0, and
/// NaN does not equal itself.
extension Tensor: Equatable {
  public static func == (a: Tensor, b: Tensor) -> Bool {
    guard a.type == b.type else { return false }
    return switch a.dtype {
    case .float64: haveEqualElements(a, b, Double.self)
    case .float32: haveEqualElements(a, b, Float.self)
    case .int64: haveEqualElements(a, b, Int64.self)
    case .int32: haveEqualElements(a, b, Int32.self)
    case .bool: haveEqualElements(a, b, Bool.self)
    }
  }

  private static func haveEqualElements<E: TensorElement & Equatable>(_ a: Tensor, _ b: Tensor, _: E.Type) -> Bool {
    a.withElements { (x: UnsafeBufferPointer<E>) in
      b.withElements { (y: UnsafeBufferPointer<E>) in x.elementsEqual(y) }
    }
  }
}

extension Tensor {
  /// Applies a function to each element, in Double, and rounds to this tensor's dtype; for the `forward` of a
  /// ``CustomOperation``.
  public func map(_ function: (Double) -> Double) -> Tensor {
    Tensor(doubles.map(function), shape: shape).converted(to: dtype)
  }
}
