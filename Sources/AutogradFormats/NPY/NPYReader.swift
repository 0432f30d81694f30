import AutogradCore

/// Reads an array in NumPy's format: a magic number, a version, the length of a header, the header, and the numbers.
package enum NPYReader {
  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  /// Whether the bytes begin as such a file does.
  package static func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.starts(with: magic) }

  package static func read(_ bytes: UnsafeRawBufferPointer) throws(FormatError) -> Tensor {
    let (text, data) = try parts(bytes)
    let header = try NPYHeader(text)
    let shape: Shape
    do throws(GraphError) { shape = try Shape(checking: header.shape) } catch { throw FormatError(error, at: nil) }
    let type = TensorType(header.dtype, shape)
    guard data.count == type.byteCount else {
      let hint = data.count > type.byteCount ? "; a file holds one array, several go into several files" : ""
      throw FormatError(
        .shapeMismatch,
        "the header says \(type.dtype) of shape \(shape), which takes \(type.byteCount) bytes; \(data.count) follow "
          + "it\(hint)")
    }
    if type.dtype == .bool, data.contains(where: { $0 > 1 }) {
      throw FormatError(.numberOutOfRange, "the bytes of an array of bools are 0 and 1")
    }
    return Tensor(type) { place in
      if header.isFortranOrder, shape.rank > 1 {
        reorder(data, shape, type.byteCount / max(shape.elementCount, 1), into: place)
      } else if let start = data.baseAddress, data.count > 0 {
        place.copyMemory(from: start, byteCount: data.count)
      }
    }
  }

  /// The header and the numbers behind it.
  private static func parts(
    _ bytes: UnsafeRawBufferPointer
  ) throws(FormatError) -> (header: UnsafeRawBufferPointer, data: UnsafeRawBufferPointer) {
    guard recognizes(bytes), bytes.count >= 10 else {
      let isArchive = bytes.starts(with: "PK".utf8)
      throw FormatError(
        .wrongType,
        "an .npy file begins with \\x93NUMPY"
          + (isArchive ? "; this is an archive of several, such as .npz: save each with numpy.save" : ""))
    }
    guard 1...3 ~= bytes[6] else {
      throw FormatError(.wrongType, "the versions of .npy that are read are 1, 2 and 3, got \(bytes[6])")
    }
    let start = bytes[6] == 1 ? 10 : 12
    let isTruncated = FormatError(.wrongType, "the file ends within its header")
    guard bytes.count >= start else { throw isTruncated }
    let length =
      bytes[6] == 1
      ? Int(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt16.self)))
      : Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)))
    guard bytes.count - start >= length else { throw isTruncated }
    return (
      UnsafeRawBufferPointer(rebasing: bytes[start..<(start + length)]),
      UnsafeRawBufferPointer(rebasing: bytes[(start + length)...])
    )
  }

  /// From Fortran's order, in which the first index changes fastest, to that of C.
  private static func reorder(
    _ data: UnsafeRawBufferPointer, _ shape: Shape, _ width: Int, into place: UnsafeMutableRawPointer
  ) {
    guard let start = data.baseAddress, data.count > 0 else { return }
    var strides: [Int] = []
    for axis in 0..<shape.rank { strides.append(axis == 0 ? width : strides[axis - 1] * shape[axis - 1]) }
    var index = Array(repeating: 0, count: shape.rank)
    var source = 0
    for target in stride(from: 0, to: data.count, by: width) {
      (place + target).copyMemory(from: start + source, byteCount: width)
      var axis = shape.rank - 1
      while axis >= 0 {
        index[axis] += 1
        source += strides[axis]
        if index[axis] < shape[axis] { break }
        source -= strides[axis] * shape[axis]
        index[axis] = 0
        axis -= 1
      }
    }
  }
}
