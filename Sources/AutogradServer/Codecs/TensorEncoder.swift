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
    appendHead(tensor.type, to: json)
    tensor.withUnsafeBytes { bytes in
      if let start = bytes.baseAddress { appendData(tensor.type, start, to: json) }
    }
    appendTail(to: json)
  }

  /// What stands before the data.
  func appendHead(_ type: TensorType, to json: ByteBuffer) {
    if form == .values { return }
    json.append("{\"dtype\": \"\(type.dtype.name)\", \"shape\": [")
    for axis in 0..<type.shape.rank {
      if axis > 0 { json.append(", ") }
      json.append(int: Int64(type.shape[axis]))
    }
    json.append(form == .base64 ? "], \"encoding\": \"base64\", \"data\": \"" : "], \"data\": ")
  }

  /// What stands behind the data.
  func appendTail(to json: ByteBuffer) {
    switch form {
    case .values: break
    case .base64: json.append("\"}")
    case .nested, .flat: json.append("}")
    }
  }

  /// The elements, row-major from `base`.
  func appendData(_ type: TensorType, _ base: UnsafeRawPointer, to json: ByteBuffer) {
    switch form {
    case .nested, .values: appendNested(type, base, to: json)
    case .base64: Base64.append(UnsafeRawBufferPointer(start: base, count: type.byteCount), to: json)
    case .flat:
      json.append(UInt8(ascii: "["))
      appendRow(type.dtype, base, 0..<type.elementCount, to: json)
      json.append(UInt8(ascii: "]"))
    }
  }

  private func appendNested(_ type: TensorType, _ base: UnsafeRawPointer, to json: ByteBuffer) {
    let shape = type.shape
    let count = type.elementCount
    guard let rowLength = shape.last else { return appendRow(type.dtype, base, 0..<1, to: json) }
    if count == 0 { return appendEmpty(shape, to: json) }
    // A row opens as many brackets as axes begin with it and closes as many as end.
    var start = 0
    var brackets = shape.rank
    while true {
      for _ in 0..<brackets { json.append(UInt8(ascii: "[")) }
      appendRow(type.dtype, base, start..<(start + rowLength), to: json)
      start += rowLength
      brackets = boundaries(start, shape)
      for _ in 0..<brackets { json.append(UInt8(ascii: "]")) }
      if start == count { return }
      appendSeparator(to: json)
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

  private func appendRow(_ dtype: DType, _ base: UnsafeRawPointer, _ range: Range<Int>, to json: ByteBuffer) {
    switch dtype {
    case .float64: appendElements(base, range, json) { (json, x: Double) in json.append(double: x) }
    case .float32: appendElements(base, range, json) { (json, x: Float) in json.append(float: x) }
    case .int64: appendElements(base, range, json) { (json, x: Int64) in json.append(int: x) }
    case .int32: appendElements(base, range, json) { (json, x: Int32) in json.append(int: Int64(x)) }
    case .bool: appendElements(base, range, json) { (json, x: Bool) in x ? json.append("true") : json.append("false") }
    }
  }

  @inline(__always)
  private func appendElements<E: TensorElement>(
    _ base: UnsafeRawPointer, _ range: Range<Int>, _ json: ByteBuffer, _ append: (ByteBuffer, E) -> Void
  ) {
    let elements = base.assumingMemoryBound(to: E.self)
    for index in range {
      if index > range.lowerBound { appendSeparator(to: json) }
      append(json, elements[index])
    }
  }

  @inline(__always)
  private func appendSeparator(to json: ByteBuffer) {
    let end = json.reserve(2)
    end[0] = UInt8(ascii: ",")
    end[1] = UInt8(ascii: " ")
    json.commit(2)
  }
}
