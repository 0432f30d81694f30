/// The sizes of a tensor along its axes, at most ``maximumRank``. They are stored inline, because shapes are made and
/// compared for every node and must not allocate.
public struct Shape: Sendable {
  public static let maximumRank = 8
  /// Maximum number of elements of a tensor, even of one that is never stored. Sizes in bytes and sums of them then fit
  /// an Int.
  public static let maximumElementCount = 1 << 40
  /// Maximum product of the nonzero sizes of an empty tensor. Strides in bytes and sums of sizes then fit an Int.
  static let maximumExtent = 1 << 59

  var sizes: InlineArray<8, Int>
  public private(set) var rank: Int

  /// The shape of a scalar.
  public init() {
    sizes = InlineArray(repeating: 0)
    rank = 0
  }

  /// - Precondition: at most ``maximumRank`` sizes. For untrusted sizes use ``init(checking:)``.
  public init(_ sizes: some Sequence<Int>) {
    self.init()
    for size in sizes { append(size) }
  }

  public init(repeating size: Int, rank: Int) {
    self.init()
    for _ in 0..<rank { append(size) }
  }

  /// A shape from untrusted sizes.
  /// - Throws: `limit_exceeded` above ``maximumRank`` axes or ``maximumElementCount`` elements, or for an empty shape
  ///   whose other sizes are too large; `shape_mismatch` for a negative size.
  public init(checking sizes: some Collection<Int>) throws(GraphError) {
    guard sizes.count <= Shape.maximumRank else {
      throw GraphError(
        .limitExceeded, "rank \(sizes.count) is more than the maximum of \(Shape.maximumRank) axes",
        limit: .rank(Shape.maximumRank), value: sizes.count)
    }
    self.init(sizes)
    try checkSize()
  }

  /// Rejects negative sizes, shapes with too many elements, and empty shapes whose strides would overflow.
  func checkSize() throws(GraphError) {
    var isEmpty = false
    for axis in 0..<rank {
      guard sizes[axis] >= 0 else { throw GraphError(.shapeMismatch, "a size cannot be negative, got \(sizes[axis])") }
      isEmpty = isEmpty || sizes[axis] == 0
    }
    let limit = isEmpty ? Shape.maximumExtent : Shape.maximumElementCount
    var product = 1
    for axis in 0..<rank {
      let (next, overflow) = product.multipliedReportingOverflow(by: Swift.max(sizes[axis], 1))
      if overflow || next > limit {
        throw GraphError(
          .limitExceeded,
          isEmpty
            ? "a tensor of shape \(self) has no elements, but its other sizes multiply to more than \(limit)"
            : "a tensor of shape \(self) has more than \(limit) elements",
          limit: .elements(limit), value: overflow ? Int.max : next)
      }
      product = next
    }
  }

  public var isScalar: Bool { rank == 0 }
  public var isEmpty: Bool { elementCount == 0 }

  /// The number of elements: 1 for a scalar, `Int.max` on overflow.
  public var elementCount: Int {
    var product = 1
    var overflows = false
    for axis in 0..<rank {
      if sizes[axis] == 0 { return 0 }
      let (next, overflow) = product.multipliedReportingOverflow(by: sizes[axis])
      product = next
      overflows = overflows || overflow
    }
    return overflows ? Int.max : product
  }

  public subscript(axis: Int) -> Int {
    get { sizes[axis] }
    set { sizes[axis] = newValue }
  }

  public var last: Int? { rank == 0 ? nil : sizes[rank - 1] }

  /// - Precondition: the rank is below ``maximumRank``.
  public mutating func append(_ size: Int) {
    sizes[rank] = size
    rank += 1
  }

  public mutating func insert(_ size: Int, at position: Int) {
    append(size)
    var axis = rank - 1
    while axis > position {
      sizes[axis] = sizes[axis - 1]
      axis -= 1
    }
    sizes[position] = size
  }

  public mutating func removeLast() {
    rank -= 1
    sizes[rank] = 0
  }

  /// The axes in `range` as a shape.
  func axes(_ range: Range<Int>) -> Shape {
    var part = Shape()
    for axis in range { part.append(sizes[axis]) }
    return part
  }

  func appending(_ other: Shape) -> Shape {
    var joined = self
    for axis in 0..<other.rank { joined.append(other[axis]) }
    return joined
  }

  /// Strides along each axis, in elements, for row-major order.
  var rowMajorStrides: Shape {
    var strides = self
    var step = 1
    for axis in stride(from: rank - 1, through: 0, by: -1) {
      strides[axis] = step
      step *= Swift.max(sizes[axis], 1)
    }
    return strides
  }

  public var array: [Int] { (0..<rank).map { sizes[$0] } }
}

extension Shape: Hashable {
  public static func == (a: Shape, b: Shape) -> Bool {
    guard a.rank == b.rank else { return false }
    for axis in 0..<a.rank where a.sizes[axis] != b.sizes[axis] { return false }
    return true
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(rank)
    for axis in 0..<rank { hasher.combine(sizes[axis]) }
  }
}

extension Shape: ExpressibleByArrayLiteral, CustomStringConvertible {
  public init(arrayLiteral elements: Int...) { self.init(elements) }

  public var description: String { "[" + array.map(String.init).joined(separator: ", ") + "]" }
}

extension Shape {
  /// The shape that both broadcast to under NumPy's rule (aligned at the last axis, 1 stretches), or nil.
  public static func broadcast(_ a: Shape, _ b: Shape) -> Shape? {
    if a == b { return a }
    let rank = Swift.max(a.rank, b.rank)
    var result = Shape(repeating: 1, rank: rank)
    for back in 1...Swift.max(rank, 1) where back <= rank {
      let x = back <= a.rank ? a[a.rank - back] : 1
      let y = back <= b.rank ? b[b.rank - back] : 1
      guard x == y || x == 1 || y == 1 else { return nil }
      result[rank - back] = x == 1 ? y : x
    }
    return result
  }

  /// Whether a tensor of this shape can be stretched to `target`.
  public func broadcasts(to target: Shape) -> Bool { Shape.broadcast(self, target) == target }
}

/// A set of axes: one bit each, so that reductions intern and compare as one byte.
public struct AxisSet: Hashable, Sendable {
  public var bits: UInt8 = 0

  public init() {}
  public init(_ axes: some Sequence<Int>) { for axis in axes { insert(axis) } }

  public func contains(_ axis: Int) -> Bool { axis < 8 && bits & (1 << UInt8(axis)) != 0 }
  public mutating func insert(_ axis: Int) { bits |= 1 << UInt8(axis) }
  public var isEmpty: Bool { bits == 0 }
  public var array: [Int] { (0..<8).filter(contains) }
}

/// The type of a value: dtype and shape.
public struct TensorType: Hashable, Sendable, CustomStringConvertible {
  public var dtype: DType
  public var shape: Shape

  public init(_ dtype: DType, _ shape: Shape) {
    self.dtype = dtype
    self.shape = shape
  }

  public var elementCount: Int { shape.elementCount }
  public var byteCount: Int { shape.elementCount * dtype.byteWidth }
  public var description: String { "\(dtype)\(shape)" }

  func with(shape: Shape) -> TensorType { TensorType(dtype, shape) }
  func with(dtype: DType) -> TensorType { TensorType(dtype, shape) }
}
