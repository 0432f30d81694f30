/// The values of a spectrum (eigenvalues or singular values) of each matrix of a stack, and weights of them: the
/// derivatives of what depends on the spectrum by its values.
///
/// Second derivatives hold quotients such as (wᵢ - wⱼ) / (vᵢ - vⱼ). Where values coincide they have a limit if the
/// weights come of a function that does not change when values are exchanged (a sum over the spectrum, say); with
/// w = f'(v) it is f''(v). It is found by l'Hôpital's rule: the tangents of the weights along two fixed directions of the values.
/// Weights that are not of that kind, and third derivatives, have no limit: there the quotients are infinite or NaN.
struct Coalescence {
  private let builder: GraphBuilder
  private let values: Value
  private let weights: Value
  private let count: Int
  /// The largest value in size, at each pair of values.
  private let scale: Value
  /// Tangents of the weights when all values grow alike, and when they grow as ``steps``; nil if they do not depend on
  /// the values.
  private let rates: (even: Value, stepped: Value)?
  /// 1, 2, 3, … along the spectrum.
  private let steps: Value

  /// Values closer together than this part of the largest have their limit. The quotient is off by rounding over the
  /// distance, the limit by the square of the distance: here both are small.
  private let nearness: Double
  /// What weights are off by, at most, of their size.
  private let noise: Double

  /// - Precondition: there is at least one value.
  init(_ values: Value, weights: Value) {
    let (builder, type) = (values.builder, values.type)
    self.builder = builder
    self.values = values
    self.weights = weights
    count = type.shape[type.shape.rank - 1]
    scale = builder.spectralScale(values)
    let isSingle = builder.isOfFloat32(weights)
    nearness = isSingle ? 2.5e-4 : 1.5e-8
    noise = isSingle ? 1e-5 : 1e-12
    let numbers = builder.emit(.cast, builder.indexVector(count), .dtype(.float64)) + 1
    steps = builder.broadcast(numbers, to: type.shape)
    let even = builder.tangents(of: [weights], along: [(values, builder.ones(type))])[0]
    let stepped = builder.tangents(of: [weights], along: [(values, steps)])[0]
    if let even, let stepped { rates = (even, stepped) } else { rates = nil }
  }

  private func first(_ vectors: Value) -> Value { builder.asColumns(vectors, count: count) }
  private func second(_ vectors: Value) -> Value { builder.asRows(vectors, count: count) }

  private var pairs: [Value] { [first(weights), second(weights)] }

  /// (wᵢ - wⱼ) / (vᵢ - vⱼ), and 0 for i = j.
  var differences: Value {
    let distance = builder.withDiagonal(1, first(values) - second(values))
    let limit = rates.map { rates in
      // Along the steps less their mean: one value grows as the other shrinks, so that the limit is that of the middle.
      let drift = first(rates.even) - second(rates.even)
      let middle = (first(steps) + second(steps)) * 0.5
      let apart = builder.withDiagonal(1, first(steps) - second(steps))
      let slope = (first(rates.stepped) - second(rates.stepped) - middle * drift) / apart
      return Limit(slope, misses: [drift], sizes: [first(rates.even), second(rates.even)])
    }
    let quotients = quotient(first(weights) - second(weights), distance, scale, sizes: pairs, limit)
    return builder.withDiagonal(0, quotients)
  }

  /// (wᵢ + wⱼ) / (vᵢ + vⱼ), and 0 for i = j, for values that are not negative. Its limit at 0 is that of functions that
  /// are even in each value.
  var sums: Value {
    let distance = builder.withDiagonal(1, first(values) + second(values))
    let limit = rates.map { rates in
      let slope = (first(rates.stepped) + second(rates.stepped)) / (first(steps) + second(steps))
      let others = [
        first(rates.stepped) / first(steps), second(rates.stepped) / second(steps), first(rates.even),
        second(rates.even),
      ]
      return Limit(slope, misses: others.map { $0 - slope }, sizes: others)
    }
    let quotients = quotient(first(weights) + second(weights), distance, scale, sizes: pairs, limit)
    return builder.withDiagonal(0, quotients)
  }

  /// wᵢ / vᵢ, with the same limit at 0.
  var ratios: Value {
    let limit = rates.map { rates in
      let slope = rates.stepped / steps
      return Limit(slope, misses: [rates.even - slope], sizes: [rates.even])
    }
    return quotient(weights, values, builder.row(scale, 0), sizes: [weights], limit)
  }

  /// What a quotient tends to, if the numbers in `misses` are 0 beside those in `sizes`.
  private struct Limit {
    let slope: Value
    let misses: [Value]
    let sizes: [Value]

    init(_ slope: Value, misses: [Value], sizes: [Value]) {
      self.slope = slope
      self.misses = misses
      self.sizes = sizes
    }

    func holds(_ builder: GraphBuilder) -> Value {
      let size = sizes.reduce(slope.emit(.abs)) { $0 + $1.emit(.abs) } * 1e-4
      let held = misses.map { $0.emit(.abs).emit(.lessEqual, size) }
      return held.dropFirst().reduce(held[0]) { $0.emit(.logicalAnd, $1) }
    }
  }

  private func quotient(_ numerator: Value, _ distance: Value, _ scale: Value, sizes: [Value], _ limit: Limit?) -> Value {
    let isNothing = distance.emit(.abs).emit(.lessEqual, scale * (Double(count) * Double.ulpOfOne))
    let plain = numerator / builder.select(isNothing, builder.zeros(distance.type), distance)
    guard let limit else {
      // Equal constant weights of equal values: the sum of these values is what counts, and its curvature is 0.
      let isFlat = isNothing.emit(.logicalAnd, numerator.emit(.equal, builder.zeros(numerator.type)))
      return overriding(plain, with: builder.select(isFlat, builder.zeros(plain.type), plain))
    }
    let size = sizes.dropFirst().reduce(sizes[0].emit(.abs)) { $0 + $1.emit(.abs) } * noise
    let expected = (limit.slope * distance).emit(.abs) * 2 + size
    let isNear = distance.emit(.abs).emit(.lessEqual, scale * nearness)
    let fits = numerator.emit(.abs).emit(.lessEqual, expected).emit(.logicalAnd, limit.holds(builder))
    let value = builder.select(isNear.emit(.logicalAnd, fits), limit.slope, plain)
    return overriding(builder.select(isNothing, plain, value), with: value)
  }

  /// A value in place of another, whose derivative it has: at a limit that is infinite or NaN, never one that is wrong.
  private func overriding(_ plain: Value, with value: Value) -> Value {
    builder.emit(.differenceQuotient, [plain, value], .none)[0]
  }
}

extension RuledPrimitive {
  static let differenceQuotient = RuledPrimitive("difference_quotient") { node in node.accumulate(node.ct, 0) }
}

extension GraphBuilder {
  /// The largest value of a spectrum in size, at each pair of its values.
  func spectralScale(_ values: Value) -> Value {
    guard values.isValid else { return values }
    let axis = AxisSet([values.shape.rank - 1])
    let largest = stretch(emit(.max, values.emit(.abs), .axes(axis)), over: axis, to: values.shape)
    return asRows(largest, count: values.shape[values.shape.rank - 1])
  }

  /// The matrices of distances with 0 in place of what is nothing but rounding beside the scale.
  func withoutRounding(_ distances: Value, _ scale: Value, count: Int) -> Value {
    let isNothing = distances.emit(.abs).emit(.lessEqual, scale * (Double(count) * Double.ulpOfOne))
    return select(isNothing, zeros(distances.type), distances)
  }

  /// Whether a value was rounded to float32.
  fileprivate func isOfFloat32(_ value: Value) -> Bool {
    guard value.isValid else { return false }
    let producer = columns.producers[Int(value.id)]
    return columns.opcodes[Int(producer)] == .cast && columns.type(of: columns.operand(producer, 0)).dtype == .float32
  }
}
