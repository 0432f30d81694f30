/// The values of a spectrum (eigenvalues or singular values) of each matrix of a stack, and weights of them: the
/// derivatives of what depends on the spectrum by its values.
///
/// Second derivatives hold quotients such as (wᵢ - wⱼ) / (vᵢ - vⱼ). Where values coincide they have a limit if the
/// weights come of a function that does not change when values are exchanged (a sum over the spectrum, say); with
/// w = f'(v) it is f''(v). It is found by l'Hôpital's rule: the tangents of the weights along two fixed directions of
/// the values.
/// Weights that are not of that kind have no limit: there the quotients are infinite or NaN.
///
/// Third and higher derivatives hold derivatives of the quotients. Of weights that depend on their own value alone,
/// wᵢ = g(vᵢ), the quotient is the mean of g' between both values, and a formula of quadrature has its derivatives,
/// too.
/// Those of the plain quotient cancel more with each order. Either way they are NaN where rounding would leave nothing
/// of them: see ``Resolution``.
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

  /// Whether the weights were rounded to float32.
  private let isSingle: Bool
  /// Values closer together than this part of the largest have their limit. The quotient is off by rounding over the
  /// distance, the limit by the square of the distance: here both are small.
  private let nearness: Double
  /// What weights are off by, at most, of their size.
  private let noise: Double
  /// Whether the weights are a cotangent that a value is still to be given to, as they are where a tangent is found by
  /// transposing: nothing may depend on what they are.
  private let isUnknown: Bool

  /// - Precondition: there is at least one value.
  init(_ values: Value, weights: Value) {
    let (builder, type) = (values.builder, values.type)
    self.builder = builder
    self.values = values
    self.weights = weights
    count = type.shape[type.shape.rank - 1]
    scale = builder.spectralScale(values)
    isSingle = builder.isOfFloat32(weights)
    nearness = isSingle ? 2.5e-4 : 1.5e-8
    noise = isSingle ? 1e-5 : 1e-12
    isUnknown = builder.isPlaceholder(weights)
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
    let extent = first(values).emit(.abs) + second(values).emit(.abs)
    let numerator = first(weights) - second(weights)
    guard let rates, builder.isElementwise(weights, in: values) else {
      return builder.withDiagonal(0, quotient(numerator, distance, scale, sizes: pairs, limit, cancelsWithin: extent))
    }
    let mean = self.mean(of: rates.even)
    let isMean = mean.isExact.emit(.logicalAnd, dependsOnItself(rates))
    let quotients = quotient(
      numerator, distance, scale, sizes: pairs, limit, cancelsWithin: extent, isReplaced: isMean)
    // Vectors that turn into each other divide by the distance, too.
    let far = builder.ones(distance.type)
    let reach = builder.select(isMean, self.reach(distance, scale), far)
    let blur = builder.blur(distance, Resolution(whole: reach, own: far, isSingle: isSingle))
    return builder.withDiagonal(0, builder.select(isMean, mean.value + blur, quotients))
  }

  /// The mean of a function between each two values by Hermite's formula of quadrature with two points, which takes the
  /// function, its slope and its curvature at both, and where it is exact but for rounding.
  private func mean(of even: Value) -> (value: Value, isExact: Value) {
    let bend = tangent(even)
    let curve = tangent(bend)
    let gap = first(values) - second(values)
    let bends = gap * (second(bend) - first(bend)) * 0.1
    let curves = gap * gap * (first(curve) + second(curve)) * (1.0 / 120)
    let value = (first(even) + second(even)) * 0.5 + bends + curves
    // The next terms are as much smaller again.
    let size = first(even).emit(.abs) + second(even).emit(.abs)
    let rest = gap * gap * (first(curve).emit(.abs) + second(curve).emit(.abs))
    let isShort = rest.emit(.lessEqual, size * 1e-4)
    let isNear = gap.emit(.abs).emit(.lessEqual, scale * 1e-2)
    let difference = first(weights) - second(weights) - value * gap
    let noise = (first(weights).emit(.abs) + second(weights).emit(.abs)) * self.noise
    let isMet = difference.emit(.abs).emit(.lessEqual, noise)
    return (value, isShort.emit(.logicalAnd, isNear).emit(.logicalAnd, isMet))
  }

  /// The derivative of what depends on each value alone.
  private func tangent(_ vectors: Value) -> Value {
    let ones = builder.ones(values.type)
    return builder.tangents(of: [vectors], along: [(values, ones)])[0] ?? builder.zeros(values.type)
  }

  /// Whether the weights of both values of a pair depend on no other value.
  private func dependsOnItself(_ rates: (even: Value, stepped: Value)) -> Value {
    let rest = (rates.stepped - steps * rates.even).emit(.abs)
    let isOwn = rest.emit(.lessEqual, rates.stepped.emit(.abs) * noise)
    return first(isOwn).emit(.logicalAnd, second(isOwn))
  }

  /// The distances as parts of the largest value. That of a value from itself is 1, and is not used.
  private func reach(_ distance: Value, _ scale: Value) -> Value {
    let isSquare = distance.isValid && distance.shape.rank > values.shape.rank
    let reach = distance.emit(.abs) / scale
    return isSquare ? builder.withDiagonal(1, reach) : reach
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

  /// - Parameter extent: where numerator and distance are small beside what they are differences of, the size of the
  ///   values; nil where they are sums.
  /// - Parameter isReplaced: where another value is taken, and this one must be harmless.
  private func quotient(
    _ numerator: Value, _ distance: Value, _ scale: Value, sizes: [Value], _ limit: Limit?,
    cancelsWithin extent: Value? = nil, isReplaced: Value? = nil
  ) -> Value {
    let length = distance.emit(.abs)
    let far = builder.ones(distance.type)
    let isNothing = length.emit(.lessEqual, scale * (Double(count) * Double.ulpOfOne))
    var divisor = builder.select(isNothing, builder.zeros(distance.type), distance)
    if let isReplaced { divisor = builder.select(isReplaced, far, divisor) }
    let plain = numerator / divisor
    let size = sizes.dropFirst().reduce(sizes[0].emit(.abs)) { $0 + $1.emit(.abs) }
    let value: Value
    var isSmooth: Value
    if let limit {
      let expected = (limit.slope * distance).emit(.abs) * 2 + size * noise
      isSmooth = numerator.emit(.abs).emit(.lessEqual, expected).emit(.logicalAnd, limit.holds(builder))
      let isNear = length.emit(.lessEqual, scale * nearness)
      value = builder.select(isNear.emit(.logicalAnd, isSmooth), limit.slope, plain)
    } else {
      // Equal constant weights of equal values: the sum of these values is what counts, and its curvature is 0.
      isSmooth = numerator.emit(.equal, builder.zeros(numerator.type))
      value = builder.select(isNothing.emit(.logicalAnd, isSmooth), builder.zeros(plain.type), plain)
    }
    if let isReplaced { isSmooth = isSmooth.emit(.logicalAnd, isReplaced.emit(.logicalNot)) }
    let reach = self.reach(distance, scale)
    let blur: Value
    if isUnknown {
      blur = builder.blur(distance, Resolution(whole: reach, own: reach, isSingle: isSingle))
    } else if let extent, limit != nil {
      // Weights may be as exact as they are small, and then so are their differences.
      let own = reach.emit(.maximum, (length / extent).emit(.minimum, numerator.emit(.abs) / size))
      let (whole, part) = (builder.select(isSmooth, reach, far), builder.select(isSmooth, own, far))
      blur = builder.blur(distance, Resolution(whole: whole, own: part, isSingle: isSingle))
    } else {
      let whole = builder.select(isSmooth, reach, far)
      blur = builder.blur(distance, Resolution(whole: whole, own: far, isSingle: isSingle))
    }
    return builder.emit(.differenceQuotient, [numerator / (divisor + blur), value], .none)[0]
  }

  /// 0 for each value, and NaN for a 0 at which the function of the values has a corner: a singular value is the size
  /// of one that changes its sign there. Its slope is that of the sign that the vectors have; curvature it has none.
  var corners: Value {
    let isZero = values.emit(.lessEqual, builder.row(scale, 0) * (Double(count) * Double.ulpOfOne))
    let zeros = builder.zeros(values.type)
    if isUnknown { return builder.select(isZero, values.filled(.nan), zeros) }
    let least = builder.row(builder.spectralScale(weights), 0) * noise
    let expected = rates.map { ($0.even * values).emit(.abs) * 2 + least } ?? least
    let isCorner = isZero.emit(.logicalAnd, expected.emit(.less, weights.emit(.abs)))
    return builder.select(isCorner, values.filled(.nan), zeros)
  }
}

/// A sentence of the operations' documentation.
let blurredDerivatives =
  "where values are so near that rounding leaves no digits of them (of a sum of a function the third within 1e-10 of "
  + "the "
  + "largest value and the fourth within 1e-5, of other functions and forwards over forwards within 1e-5 and 5e-4)"

/// How far apart values are, as parts of their size: what is left of a derivative that cancels. An error of rounding
/// grows by the reciprocal of the distance with each order, so the distance below which nothing is left does, too.
struct Resolution {
  /// Beside the largest value.
  let whole: Value
  /// Beside the two values themselves, which may lose one digit more for each digit that they share.
  let own: Value
  let isSingle: Bool

  /// Where a derivative of an order, 2 for that of a gradient, would be off by more than about 1e-6 of itself; with
  /// weights rounded to float32 more than 1e-2.
  fileprivate func isLost(_ order: Int) -> Value {
    let isLost = own.emit(.lessEqual, own.filled(radius(order)))
    return order < 3 ? isLost : isLost.emit(.logicalOr, whole.emit(.lessEqual, whole.filled(radius(order - 1))))
  }

  /// The root of order - 1 of 1e-10, or of 6e-6 for float32, and 0 for the first.
  private func radius(_ order: Int) -> Double {
    let radii = isSingle ? [0, 6e-6, 2.4e-3, 0.018, 0.05, 0.09, 0.13] : [0, 1e-10, 1e-5, 5e-4, 3e-3, 0.01, 0.02]
    return order <= radii.count ? radii[order - 1] : 0.2
  }
}

/// What is computed of a spectrum for derivatives: each is linear in what it is given, and each has a derivative that
/// is made of the others.
protocol Spectrum {
  /// The gradient of the sum of the values times weights.
  func sum(_ weights: Value) -> Value
  /// The tangents of the values along c.
  func diagonal(_ c: Value) -> Value
  /// The tangent of ``sum(_:)`` along c with the weights held.
  func slope(_ weights: Value, _ c: Value) -> Value
}

extension RuledPrimitive {
  /// ``Spectrum/sum(_:)``. Operands: the matrix, the weights, the value.
  static func spectralSum(
    _ name: String, _ spectrum: @escaping @Sendable (Pullback) -> (any Spectrum)?
  ) -> RuledPrimitive {
    RuledPrimitive(name) { node in
      guard let spectrum = spectrum(node) else { return }
      if node.wants(1) { node.accumulate(spectrum.diagonal(node.ct), 1) }
      if node.wants(0) { node.accumulate(spectrum.slope(node.operand(1), node.ct), 0) }
    }
  }

  /// ``Spectrum/diagonal(_:)``. Operands: the matrix, c, the value.
  static func spectralDiagonal(
    _ name: String, _ spectrum: @escaping @Sendable (Pullback) -> (any Spectrum)?
  ) -> RuledPrimitive {
    RuledPrimitive(name) { node in
      guard let spectrum = spectrum(node) else { return }
      if node.wants(1) { node.accumulate(spectrum.sum(node.ct), 1) }
      if node.wants(0) { node.accumulate(spectrum.slope(node.ct, node.operand(1)), 0) }
    }
  }

  /// A value in place of another, whose derivative it has.
  static let differenceQuotient = RuledPrimitive("difference_quotient") { node in node.accumulate(node.ct, 0) }

  /// 0, or NaN for a distance that is too small for derivatives of an order; its derivative is the same of the next.
  static let blur = RuledPrimitive("blur") { node in
    guard case .derivative(let code) = node.attributes else { return }
    let resolution = Resolution(whole: node.operand(1), own: node.operand(2), isSingle: code & 1 == 1)
    node.accumulate(node.ct * node.builder.blur(node.operand(0), resolution, order: code / 2 + 1), 0)
  }
}

extension GraphBuilder {
  fileprivate func blur(_ distance: Value, _ resolution: Resolution, order: Int = 2) -> Value {
    let value = select(resolution.isLost(order), distance.filled(.nan), zeros(distance.type))
    let code = 2 * order + (resolution.isSingle ? 1 : 0)
    return emit(.blur, [distance, resolution.whole, resolution.own, value], .derivative(code))[0]
  }

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

  /// The same of values whose vectors turn into each other as they meet. What is computed of vectors loses as many
  /// digits as the values share, and again with each order: where none is left of a derivative it is NaN.
  func distancesOfVectors(_ distances: Value, _ scale: Value, count: Int) -> Value {
    let plain = withoutRounding(distances, scale, count: count)
    guard plain.isValid else { return plain }
    let reach = withDiagonal(1, distances.emit(.abs) / scale)
    let blurred = plain + blur(distances, Resolution(whole: reach, own: reach, isSingle: false))
    return select(plain.emit(.equal, zeros(plain.type)), plain, blurred)
  }

  /// Whether a value is repeated along its last axis.
  func isRepeated(_ value: Value) -> Bool {
    guard value.isValid, value.shape.rank > 0 else { return false }
    let producer = columns.producers[Int(value.id)]
    guard columns.opcodes[Int(producer)] == .broadcast else { return false }
    return columns.type(of: columns.operand(producer, 0)).shape.last ?? 1 == 1
  }

  /// Whether a value is a function of each element of another alone, the same of all elements along the last axis.
  fileprivate func isElementwise(_ value: Value, in source: Value) -> Bool {
    var (pending, met) = ([value], Set([value.id]))
    while let next = pending.popLast() {
      guard next.isValid, met.count <= 256 else { return false }
      if next.id == source.id || next.shape.rank == 0 || isRepeated(next) { continue }
      let producer = columns.producers[Int(next.id)]
      let opcode = columns.opcodes[Int(producer)]
      guard opcode.primitive is PointwisePrimitive || opcode == .cast || opcode == .select else { return false }
      for operand in columns.operandRange(producer) where met.insert(columns.operands[operand]).inserted {
        pending.append(self.value(columns.operands[operand]))
      }
    }
    return true
  }

  /// Whether a value is to be given later.
  fileprivate func isPlaceholder(_ value: Value) -> Bool {
    guard value.isValid else { return false }
    let producer = columns.producers[Int(value.id)]
    guard columns.opcodes[Int(producer)] == .input, case .index(let index) = columns.attributes(of: producer) else {
      return false
    }
    return index < 0
  }

  /// Whether a value was rounded to float32.
  fileprivate func isOfFloat32(_ value: Value) -> Bool {
    guard value.isValid else { return false }
    let producer = columns.producers[Int(value.id)]
    return columns.opcodes[Int(producer)] == .cast && columns.type(of: columns.operand(producer, 0)).dtype == .float32
  }
}
