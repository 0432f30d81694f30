import AutogradTestSupport
import Testing

@testable import AutogradCore

/// Reshaping without a copy: where strides can express it, and only there.
@Suite struct PlacementTests {
  /// A tensor's memory under random permutations, windows and stretches.
  private struct View {
    var shape: Shape
    var placement: Placement

    init(_ random: inout SeededGenerator) {
      shape = Shape((0..<random.int(0...4)).map { _ in random.int(1...4) })
      placement = Placement(buffer: 0, offset: 0, strides: shape.rowMajorStrides)
      for _ in 0..<random.int(0...3) { change(&random) }
    }

    private mutating func change(_ random: inout SeededGenerator) {
      switch random.int(0...2) {
      case 0:
        let axes = (0..<shape.rank).shuffled(using: &random)
        placement.strides = Shape(axes.map { placement.strides[$0] })
        shape = Shape(axes.map { shape[$0] })
      case 1:
        var window = Window(
          starts: Shape(repeating: 0, rank: shape.rank), steps: Shape(repeating: 1, rank: shape.rank), sizes: shape,
          whole: shape)
        for axis in 0..<shape.rank where random.chance(0.5) {
          let size = random.int(1...shape[axis])
          let step = size > 1 ? random.int(1...((shape[axis] - 1) / (size - 1))) : 1
          let start = random.int(0...(shape[axis] - 1 - (size - 1) * step))
          let backward = size > 1 && random.chance(0.4)
          window.sizes[axis] = size
          window.steps[axis] = backward ? -step : step
          window.starts[axis] = backward ? start + (size - 1) * step : start
        }
        placement.cut(window, byteWidth: 1)
        shape = window.sizes
      default:
        var target = Shape(shape.array.map { $0 == 1 && random.chance(0.7) ? random.int(1...3) : $0 })
        if target.rank < 5 && random.chance(0.5) { target.insert(random.int(1...3), at: 0) }
        placement.broadcast(from: shape, to: target)
        shape = target
      }
    }
  }

  /// Where each element lies, in row-major order.
  private func addresses(_ shape: Shape, _ placement: Placement) -> [Int] {
    shape.indices.map { index in index.indices.reduce(placement.offset) { $0 + index[$1] * placement.strides[$1] } }
  }

  /// The only strides by which a shape could walk these addresses, if they do.
  private func strides(walking addresses: [Int], _ shape: Shape) -> Shape? {
    let steps = shape.rowMajorStrides
    let strides = Shape((0..<shape.rank).map { shape[$0] > 1 ? addresses[steps[$0]] - addresses[0] : 0 })
    let candidate = Placement(buffer: 0, offset: addresses[0], strides: strides)
    return self.addresses(shape, candidate) == addresses ? strides : nil
  }

  private func factors(_ count: Int, _ random: inout SeededGenerator) -> Shape {
    var sizes: [Int] = []
    var rest = count
    while rest > 1 && sizes.count < 5 {
      let size = random.pick((2...rest).filter { rest % $0 == 0 })
      sizes.append(size)
      rest /= size
    }
    if rest > 1 { sizes.append(rest) }
    for _ in 0..<random.int(0...2) { sizes.append(1) }
    return Shape(sizes.shuffled(using: &random))
  }

  @Test func reshapesInPlaceExactlyWhereStridesCanExpressIt() {
    var random = SeededGenerator(seed: 11)
    var (views, copies) = (0, 0)
    for _ in 0..<4000 {
      let view = View(&random)
      let target = factors(view.shape.elementCount, &random)
      let expected = addresses(view.shape, view.placement)
      var reshaped = view.placement
      if reshaped.reshape(from: view.shape, to: target) {
        views += 1
        #expect(addresses(target, reshaped) == expected, "\(view) to \(target)")
      } else {
        copies += 1
        #expect(strides(walking: expected, target) == nil, "\(view) to \(target)")
        #expect(reshaped.strides == view.placement.strides && reshaped.offset == view.placement.offset)
      }
    }
    #expect(views > 1000 && copies > 300)
  }

  @Test func contiguityIsThatOfTheAddresses() {
    var random = SeededGenerator(seed: 12)
    for _ in 0..<2000 {
      let view = View(&random)
      let all = addresses(view.shape, view.placement)
      #expect(
        view.placement.isContiguous(view.shape) == (all == (0..<all.count).map { $0 + view.placement.offset }),
        "\(view)")
    }
  }

  @Test func mergedStridesWalkTheReducedAxes() {
    var random = SeededGenerator(seed: 13)
    for _ in 0..<2000 {
      let view = View(&random)
      let axes = (0..<view.shape.rank).filter { _ in random.chance(0.5) }
      let shape = Shape(axes.map { view.shape[$0] })
      let part = Placement(buffer: 0, offset: 0, strides: Shape(axes.map { view.placement.strides[$0] }))
      let all = addresses(shape, part)
      let walked = view.placement.mergedStride(view.shape, axes).map { stride in (0..<all.count).map { $0 * stride } }
      let possible = all.count < 2 || all == (0..<all.count).map { $0 * (all[1] - all[0]) }
      #expect(walked == (possible ? all : nil), "\(view) over \(axes)")
    }
  }
}
