import AutogradCore

/// Writes tensors into answers.
struct TensorEncoder {
  /// The request's `encoding`.
  enum Form: String, CaseIterable {
    /// `{"dtype", "shape", "data"}` with nested data: what is answered unless asked otherwise.
    case nested
    /// The same with one flat list.
    case flat
    /// The same with the bytes as base64.
    case base64
    /// Bare nested numbers.
    case values
  }

  let form: Form

  func append(_ tensor: Tensor, to json: ByteBuffer) {
    if form == .values { return appendNested(tensor, to: json) }
    json.append("{\"dtype\": \"\(tensor.dtype.name)\", \"shape\": ")
    json.append("[")
    for axis in 0..<tensor.shape.rank {
      if axis > 0 { json.append(", ") }
      json.append(int: Int64(tensor.shape[axis]))
    }
    json.append("]")
    if form == .base64 {
      json.append(", \"encoding\": \"base64\", \"data\": \"")
      Base64.append(tensor.bytes, to: json)
      json.append("\"}")
    } else {
      json.append(", \"data\": ")
      if form == .flat {
        appendFlat(tensor, to: json)
      } else {
        appendNested(tensor, to: json)
      }
      json.append("}")
    }
  }

  private func appendFlat(_ tensor: Tensor, to json: ByteBuffer) {
    json.append("[")
    appendRow(tensor, 0..<tensor.elementCount, to: json)
    json.append("]")
  }

  private func appendNested(_ tensor: Tensor, to json: ByteBuffer) {
    let shape = tensor.shape
    guard let rowLength = shape.last else { return appendRow(tensor, 0..<1, to: json) }
    if tensor.elementCount == 0 { return appendEmpty(shape, to: json) }
    // A row opens as many brackets as axes begin with it and closes as many as end.
    var start = 0
    while start < tensor.elementCount {
      if start > 0 { json.append(", ") }
      for _ in 0..<boundaries(start, shape) { json.append("[") }
      appendRow(tensor, start..<(start + rowLength), to: json)
      start += rowLength
      for _ in 0..<boundaries(start, shape) { json.append("]") }
    }
  }

  /// How many of the trailing axes are complete after `count` elements.
  private func boundaries(_ count: Int, _ shape: Shape) -> Int {
    var span = 1
    var axes = 0
    for axis in stride(from: shape.rank - 1, through: 0, by: -1) {
      span *= shape[axis]
      if count % span != 0 { break }
      axes += 1
    }
    return axes
  }

  /// Lists down to the first empty axis.
  private func appendEmpty(_ shape: Shape, to json: ByteBuffer) {
    var depth = 0
    while shape[depth] != 0 { depth += 1 }
    // [2, 3, 0] is two lists of three empty lists. Their number is bounded: the admission of plans counts empty rows too.
    var lists = 1
    for axis in 0..<depth { lists *= shape[axis] }
    let outer = Shape((0..<depth).map { shape[$0] })
    for index in 0..<lists {
      if index > 0 { json.append(", ") }
      if depth > 0 { for _ in 0..<boundaries(index, outer) { json.append("[") } }
      json.append("[]")
      if depth > 0 { for _ in 0..<boundaries(index + 1, outer) { json.append("]") } }
    }
  }

  private func appendRow(_ tensor: Tensor, _ range: Range<Int>, to json: ByteBuffer) {
    switch tensor.dtype {
    case .float64: appendElements(tensor, range, json) { (json, x: Double) in json.append(double: x) }
    case .float32: appendElements(tensor, range, json) { (json, x: Float) in json.append(float: x) }
    case .int64: appendElements(tensor, range, json) { (json, x: Int64) in json.append(int: x) }
    case .int32: appendElements(tensor, range, json) { (json, x: Int32) in json.append(int: Int64(x)) }
    case .bool: appendElements(tensor, range, json) { (json, x: Bool) in x ? json.append("true") : json.append("false") }
    }
  }

  @inline(__always)
  private func appendElements<E: TensorElement>(
    _ tensor: Tensor, _ range: Range<Int>, _ json: ByteBuffer, _ append: (ByteBuffer, E) -> Void
  ) {
    tensor.withElements { (elements: UnsafeBufferPointer<E>) in
      var isFirst = true
      for index in range {
        if !isFirst { json.append(", ") }
        isFirst = false
        append(json, elements[index])
      }
    }
  }
}
