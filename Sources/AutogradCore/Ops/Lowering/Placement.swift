/// Where a value lies: a buffer, an offset and strides. Broadcasting, transposing, slicing, splitting and most
/// reshaping only make new placements of memory that exists; no instruction runs for them.
public struct Placement: Sendable {
  var buffer: Int32
  /// Bytes from the start of the buffer.
  var offset: Int
  /// Steps along each axis in elements; 0 where a value repeats.
  var strides: Shape

  /// Row-major without gaps. Axes of size 1 may have any stride: nobody steps along them.
  func isContiguous(_ shape: Shape) -> Bool {
    var step = 1
    for axis in stride(from: shape.rank - 1, through: 0, by: -1) where shape[axis] != 1 {
      if strides[axis] != step { return shape.isEmpty }
      step *= shape[axis]
    }
    return true
  }

  mutating func broadcast(from shape: Shape, to target: Shape) {
    var stretched = Shape(repeating: 0, rank: target.rank)
    let extra = target.rank - shape.rank
    for axis in 0..<shape.rank where shape[axis] == target[axis + extra] { stretched[axis + extra] = strides[axis] }
    strides = stretched
  }

  mutating func cut(_ window: Window, byteWidth: Int) {
    for axis in 0..<window.whole.rank {
      if window.sizes[axis] > 0 { offset += window.starts[axis] * strides[axis] * byteWidth }
      strides[axis] *= window.steps[axis]
    }
  }

  /// Reshapes in place where strides can express it: groups of axes whose products agree must each be evenly strided.
  /// - Returns: false, and nothing changed, where only a copy will do.
  mutating func reshape(from shape: Shape, to target: Shape) -> Bool {
    if shape.isEmpty || isContiguous(shape) {
      strides = target.rowMajorStrides
      return true
    }
    var result = Shape(repeating: 0, rank: target.rank)
    let old = (0..<shape.rank).filter { shape[$0] != 1 }
    var from = 0
    var to = 0
    while from < old.count {
      // The smallest group of old axes [from, fromEnd) and new axes [to, toEnd) with equal products.
      var fromEnd = from + 1
      var toEnd = to + 1
      guard to < target.rank else { return false }
      var have = shape[old[from]]
      var want = target[to]
      while have != want {
        if have < want {
          guard fromEnd < old.count else { return false }
          have *= shape[old[fromEnd]]
          fromEnd += 1
        } else {
          guard toEnd < target.rank else { return false }
          want *= target[toEnd]
          toEnd += 1
        }
      }
      for position in from..<(fromEnd - 1)
      where strides[old[position]] != strides[old[position + 1]] * shape[old[position + 1]] {
        return false
      }
      var step = strides[old[fromEnd - 1]]
      for axis in stride(from: toEnd - 1, through: to, by: -1) {
        result[axis] = step
        step *= target[axis]
      }
      from = fromEnd
      to = toEnd
    }
    strides = result
    return true
  }
}
