/// An immutable n-dimensional array of numbers, row-major.
///
/// Literals make tensors of float64: `let x: Tensor = [[1, 2, 3], [4, 5, 6]]`.
public struct Tensor: Sendable {
  public let type: TensorType
  package let storage: Storage

  public var dtype: DType { type.dtype }
  public var shape: Shape { type.shape }
  public var elementCount: Int { type.elementCount }

  /// Takes over storage that the caller has filled.
  package init(_ type: TensorType, storage: Storage) {
    self.type = type
    self.storage = storage
  }

  /// A tensor whose bytes are all written by `fill`.
  package init(_ type: TensorType, filledBy fill: (UnsafeMutableRawPointer) -> Void) {
    let storage = Storage(byteCount: type.byteCount)
    fill(storage.base)
    self.init(type, storage: storage)
  }

  /// A tensor from its elements in row-major order.
  /// - Precondition: as many values as `shape` has elements.
  public init<Element: TensorElement>(_ values: [Element], shape: Shape) {
    precondition(values.count == shape.elementCount, "\(values.count) values do not fill a tensor of shape \(shape)")
    self.init(TensorType(Element.dtype, shape)) { base in
      values.withUnsafeBytes { bytes in
        if let start = bytes.baseAddress { base.copyMemory(from: start, byteCount: bytes.count) }
      }
    }
  }

  /// A vector.
  public init<Element: TensorElement>(_ values: [Element]) { self.init(values, shape: [values.count]) }

  /// A scalar.
  public init(_ value: some TensorElement) { self.init([value], shape: []) }

  /// A tensor of one value everywhere.
  public init<Element: TensorElement>(repeating value: Element, shape: Shape) {
    self.init([Element](repeating: value, count: shape.elementCount), shape: shape)
  }

  /// The elements in row-major order, or nil if the tensor has another dtype.
  public func values<Element: TensorElement>(as _: Element.Type = Element.self) -> [Element]? {
    guard dtype == Element.dtype else { return nil }
    return withElements { Array($0) }
  }

  /// The elements in row-major order, each converted to Double (exact except for integers beyond 2^53).
  public var doubles: [Double] {
    switch dtype {
    case .float64: withElements { (e: UnsafeBufferPointer<Double>) in Array(e) }
    case .float32: withElements { (e: UnsafeBufferPointer<Float>) in e.map(Double.init) }
    case .int64: withElements { (e: UnsafeBufferPointer<Int64>) in e.map(Double.init) }
    case .int32: withElements { (e: UnsafeBufferPointer<Int32>) in e.map(Double.init) }
    case .bool: withElements { (e: UnsafeBufferPointer<Bool>) in e.map { $0 ? 1 : 0 } }
    }
  }

  /// Calls `body` with the raw little-endian bytes, which are valid until it returns.
  public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try withExtendedLifetime(storage) { try body(bytes) }
  }

  /// The raw little-endian bytes. They are freed with the last reference to the tensor, so never use those of a
  /// temporary.
  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: storage.base, count: type.byteCount) }

  /// - Precondition: `Element` is the tensor's dtype.
  package func withElements<Element: TensorElement, R>(_ body: (UnsafeBufferPointer<Element>) -> R) -> R {
    precondition(dtype == Element.dtype)
    return withExtendedLifetime(storage) {
      body(UnsafeBufferPointer(start: storage.base.assumingMemoryBound(to: Element.self), count: elementCount))
    }
  }

  /// The same elements under another shape.
  /// - Precondition: the element count stays the same.
  public func reshaped(to shape: Shape) -> Tensor {
    precondition(shape.elementCount == elementCount, "\(self.shape) cannot become \(shape)")
    return Tensor(TensorType(dtype, shape), storage: storage)
  }

  /// The same numbers in another floating or integer dtype. In graphs use `cast`.
  public func converted(to target: DType) -> Tensor {
    if target == dtype { return self }
    let values = doubles
    return switch target {
    case .float64: Tensor(values, shape: shape)
    case .float32: Tensor(values.map(Float.init), shape: shape)
    case .int64: Tensor(values.map { Int64(exactly: $0.rounded(.towardZero)) ?? 0 }, shape: shape)
    case .int32: Tensor(values.map { Int32(exactly: $0.rounded(.towardZero)) ?? 0 }, shape: shape)
    case .bool: Tensor(values.map { $0 != 0 }, shape: shape)
    }
  }
}

extension Tensor: ExpressibleByArrayLiteral, ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
  public init(floatLiteral value: Double) { self.init(value) }
  public init(integerLiteral value: Int) { self.init(Double(value)) }

  /// - Precondition: all rows have the same shape.
  public init(arrayLiteral rows: Tensor...) {
    guard let first = rows.first else {
      self.init([Double]())
      return
    }
    precondition(rows.allSatisfy { $0.type == first.type }, "the rows of a tensor literal must have one shape")
    var shape = first.shape
    shape.insert(rows.count, at: 0)
    self.init(TensorType(first.dtype, shape)) { base in
      for (index, row) in rows.enumerated() {
        (base + index * row.type.byteCount).copyMemory(from: row.storage.base, byteCount: row.type.byteCount)
      }
    }
  }
}

extension Tensor: CustomStringConvertible {
  /// Nested brackets: `[[1.0, 2.0], [3.0, 4.0]]`.
  public var description: String {
    let elements: [String] =
      switch dtype {
      case .float64: (values(as: Double.self) ?? []).map(\.description)
      case .float32: (values(as: Float.self) ?? []).map(\.description)
      case .int64: (values(as: Int64.self) ?? []).map(\.description)
      case .int32: (values(as: Int32.self) ?? []).map(\.description)
      case .bool: (values(as: Bool.self) ?? []).map(\.description)
      }
    var parts = elements
    for axis in stride(from: shape.rank - 1, through: 0, by: -1) {
      let size = shape[axis]
      let rows = shape.axes(0..<axis).elementCount
      parts = (0..<rows).map { row in "[" + parts[(row * size)..<((row + 1) * size)].joined(separator: ", ") + "]" }
    }
    return parts.first ?? "[]"
  }
}
