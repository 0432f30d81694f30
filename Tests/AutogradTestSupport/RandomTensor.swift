import AutogradCore

extension Tensor {
  /// Floats of magnitude 0.5 to 2 and either sign: away from zero, where quotients have their poles, and small enough
  /// that a product of many neither overflows nor vanishes. Integers from -9 to 9. A domain that leaves zero out, or is
  /// narrower, is drawn from evenly instead.
  /// - Parameter bound: the size of the axis that integers are to index, from either end.
  package static func random(
    _ type: TensorType, in domain: ClosedRange<Double> = -3...3, indexing bound: Int? = nil,
    using random: inout SeededGenerator
  ) -> Tensor {
    let count = type.elementCount
    let isNarrow = domain.lowerBound > -2 || domain.upperBound < 2
    let integers = bound.map { -max($0, 1)...max($0 - 1, 0) } ?? (domain.lowerBound > 0 ? 1...3 : -9...9)
    func float(_ random: inout SeededGenerator) -> Double {
      if isNarrow { return Double.random(in: domain, using: &random) }
      let magnitude = Double.random(in: 0.5...2, using: &random)
      return random.chance(0.5) ? magnitude : -magnitude
    }
    return switch type.dtype {
    case .float64: Tensor((0..<count).map { _ in float(&random) }, shape: type.shape)
    case .float32: Tensor((0..<count).map { _ in Float(float(&random)) }, shape: type.shape)
    case .int64: Tensor((0..<count).map { _ in Int64(random.int(integers)) }, shape: type.shape)
    case .int32: Tensor((0..<count).map { _ in Int32(random.int(integers)) }, shape: type.shape)
    case .bool: Tensor((0..<count).map { _ in random.chance(0.5) }, shape: type.shape)
    }
  }

  package static func random(_ types: [TensorType], using random: inout SeededGenerator) -> [Tensor] {
    var tensors: [Tensor] = []
    for type in types { tensors.append(.random(type, using: &random)) }
    return tensors
  }

  /// A stack of matrices whose diagonals are larger than the rest: they have inverses and, made symmetric, are positive
  /// definite.
  /// The diagonals grow from row to row, so that eigenvalues and singular values keep apart.
  /// - Precondition: elements are at most 1 in size.
  package var withDominantDiagonals: Tensor {
    guard shape.rank >= 2, dtype.isFloating, let columns = shape.last, columns > 0 else { return self }
    let rows = shape[shape.rank - 2]
    let values = doubles.enumerated().map { position, element in
      let row = position / columns % rows
      return position % columns == row ? element + Double(rows + 1 + 2 * row) : element
    }
    return Tensor(values, shape: shape).converted(to: dtype)
  }

  package static func zeros(_ type: TensorType) -> Tensor {
    Tensor(repeating: 0.0, shape: type.shape).converted(to: type.dtype)
  }

  /// The tensor with one element of float64 replaced.
  package func replacing(_ index: Int, with value: Double) -> Tensor {
    var values = doubles
    values[index] = value
    return Tensor(values, shape: shape)
  }
}
