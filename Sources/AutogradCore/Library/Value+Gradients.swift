/// Gradients as values, which can be evaluated, used in formulas, and differentiated again.
extension Value {
  /// The gradient of this value with respect to another, which may be a variable or an intermediate value; zeros if
  /// this value does not depend on it.
  ///
  /// - Parameter cotangent: weights of the elements of this value; by default ones, which gives the gradient of their
  ///   sum.
  /// - Returns: a value of the target's type; an invalid one if either is of integers or bool, which have no gradient.
  public func gradient(withRespectTo target: Value, cotangent: Value? = nil) -> Value {
    gradients(withRespectTo: [target], cotangent: cotangent)[0]
  }

  /// The gradients with respect to several values, in one pass.
  public func gradients(withRespectTo targets: [Value], cotangent: Value? = nil) -> [Value] {
    for value in targets + [self] {
      guard value.isValid else { return targets.map { _ in value } }
      if let error = value.lackOfGradient { return targets.map { _ in builder.fail(error) } }
    }
    let gradients = builder.gradients(of: [(self, cotangent ?? builder.ones(type))], withRespectTo: targets)
    return zip(targets, gradients).map { target, gradient in gradient ?? builder.zeros(target.type) }
  }

  /// Why a value cannot be differentiated; nil if it can.
  var lackOfGradient: GraphError? {
    if dtype.isFloating { return nil }
    return GraphError(.dtypeMismatch, "a value of \(dtype) carries no gradient; cast it to a float dtype first")
  }
}
