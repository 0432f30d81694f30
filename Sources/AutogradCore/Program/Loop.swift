/// An iteration over the elements of a shape: the last axis is run by the kernel, the others by the executor.
package struct Loop: Sendable, Equatable {
  package var sizes: Shape
  package var z: Shape
  package var x: Shape
  package var y: Shape

  package var count: Int { sizes.elementCount }
}

extension Loop {
  /// Over a shape without its axes of size 1.
  init(_ shape: Shape, _ z: Shape, _ x: Shape, _ y: Shape) {
    self.init(sizes: [], z: [], x: [], y: [])
    for axis in 0..<shape.rank where shape[axis] != 1 { append(shape[axis], z[axis], x[axis], y[axis]) }
  }

  private mutating func append(_ size: Int, _ zStride: Int, _ xStride: Int, _ yStride: Int) {
    sizes.append(size)
    z.append(zStride)
    x.append(xStride)
    y.append(yStride)
  }

  /// With neighbouring axes merged where every operand allows it.
  var merged: Loop {
    var result = Loop(sizes: [], z: [], x: [], y: [])
    for axis in 0..<sizes.rank {
      let (size, last) = (sizes[axis], result.sizes.rank - 1)
      if last >= 0, result.z[last] == z[axis] * size, result.x[last] == x[axis] * size, result.y[last] == y[axis] * size
      {
        result.sizes[last] *= size
        result.z[last] = z[axis]
        result.x[last] = x[axis]
        result.y[last] = y[axis]
      } else {
        result.append(size, z[axis], x[axis], y[axis])
      }
    }
    return result
  }

  /// Size and strides of the axis that kernels run along.
  var inner: (count: Int, z: Int, x: Int, y: Int) {
    let last = sizes.rank - 1
    return last < 0 ? (1, 1, 1, 1) : (sizes[last], z[last], x[last], y[last])
  }
}

extension Shape {
  /// The one stride by which all elements can be walked in row-major order, or nil.
  func flatStride(_ strides: Shape) -> Int? {
    guard rank > 0 else { return 1 }
    let stride = strides[rank - 1]
    var expected = stride
    for axis in Swift.stride(from: rank - 2, through: 0, by: -1) {
      expected *= sizes[axis + 1]
      if strides[axis] != expected { return nil }
    }
    return stride
  }
}
