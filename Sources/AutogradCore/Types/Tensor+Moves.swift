// Elements moved one by one, by their indices: slow and obvious, for what checks the rest.

extension Shape {
  /// Every index in row-major order.
  var indices: [[Int]] {
    var result: [[Int]] = []
    let count = elementCount
    result.reserveCapacity(count)
    var index = [Int](repeating: 0, count: rank)
    for _ in 0..<count {
      result.append(index)
      for axis in stride(from: rank - 1, through: 0, by: -1) {
        index[axis] += 1
        if index[axis] < sizes[axis] { break }
        index[axis] = 0
      }
    }
    return result
  }

  func position(of index: [Int]) -> Int {
    var position = 0
    for axis in 0..<rank { position = position * sizes[axis] + index[axis] }
    return position
  }
}

extension Tensor {
  /// The tensor whose element at each index is this one's at `source(index)`.
  func gathered(to target: Shape, _ source: ([Int]) -> [Int]) -> Tensor {
    Tensor.gathered(type.with(shape: target)) { (self, source($0)) }
  }

  static func gathered(_ type: TensorType, _ source: ([Int]) -> (Tensor, [Int])) -> Tensor {
    let width = type.dtype.byteWidth
    return Tensor(type) { base in
      for (position, index) in type.shape.indices.enumerated() {
        let (tensor, place) = source(index)
        (base + position * width).copyMemory(
          from: tensor.storage.base + tensor.shape.position(of: place) * width, byteCount: width)
      }
    }
  }

  /// Zeros with this tensor's element of each index at `target(index)`.
  func scattered(into whole: Shape, _ target: ([Int]) -> [Int]) -> Tensor {
    let width = dtype.byteWidth
    return Tensor(type.with(shape: whole)) { base in
      base.initializeMemory(as: UInt8.self, repeating: 0, count: whole.elementCount * width)
      for (position, index) in shape.indices.enumerated() {
        (base + whole.position(of: target(index)) * width).copyMemory(
          from: storage.base + position * width, byteCount: width)
      }
    }
  }
}
