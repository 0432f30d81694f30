import AutogradCore
import AutogradFormats
import AutogradGraphs

extension AnswerTemplate {
  /// An answer as a safetensors file: tensors are called `outputs/y`, `gradients/x`, `jacobians/y/x` and so on.
  ///
  /// The header names them in the order of the JSON answer; their data lie with the widest elements first, so that all
  /// are aligned.
  static func safetensors(_ sections: [Section], _ plan: Plan, _ warnings: [DifferentialRequest.Warning])
    -> AnswerTemplate
  {
    var entries: [(name: ByteBuffer, field: Field, begin: Int)] = []
    func append(_ name: ByteBuffer) {
      // The plan's outputs are all tensors of the answer, in its order.
      let result = plan.outputs[entries.count]
      entries.append((name, Field(textEnd: 0, result: result, type: plan.resultTypes[result]), 0))
    }
    for section in sections {
      switch section.content {
      case .tensors(let named): for entry in named { append(name(section.name, nil, entry.name)) }
      case .table(let rows):
        for row in rows {
          for entry in row.tensors { append(name(section.name, row.row, entry.name)) }
        }
      }
    }
    var position = 0
    var fields: [Field] = []
    for width in [8, 4, 1] {
      for index in entries.indices where entries[index].field.type.dtype.byteWidth == width {
        entries[index].begin = position
        position = Size.sum(position, entries[index].field.type.byteCount)
        fields.append(entries[index].field)
      }
    }

    let header = ByteBuffer(capacity: 512)
    header.append("{")
    if !warnings.isEmpty {
      let list = ByteBuffer()
      warnings.appendList(to: list)
      header.append("\"__metadata__\": {\"warnings\": ")
      withExtendedLifetime(list) { header.appendJSONString(list.bytes) }
      header.append("}")
    }
    for (index, entry) in entries.enumerated() {
      if index > 0 || !warnings.isEmpty { header.append(", ") }
      withExtendedLifetime(entry) { header.appendJSONString(entry.name.bytes) }
      header.append(": {\"dtype\": \"")
      header.append(entry.field.type.dtype.safetensors)
      header.append("\", \"shape\": [")
      for axis in 0..<entry.field.type.shape.rank {
        if axis > 0 { header.append(", ") }
        header.append(int: Int64(entry.field.type.shape[axis]))
      }
      header.append("], \"data_offsets\": [\(entry.begin), \(entry.begin + entry.field.type.byteCount)]}")
    }
    header.append("}")
    while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }

    let text = ByteBuffer(capacity: header.count + 8)
    UnsafeMutableRawPointer(text.reserve(8)).storeBytes(of: UInt64(header.count).littleEndian, as: UInt64.self)
    text.commit(8)
    withExtendedLifetime(header) { text.append(header.bytes) }
    for index in fields.indices { fields[index].textEnd = text.count }
    return AnswerTemplate(text: text, fields: fields, encoder: nil, dataByteCount: position)
  }

  /// In the name of a row, `~` and `/` are written `~0` and `~1`, so that the name of the column begins behind the
  /// second slash and no two tensors have one name.
  private static func name(_ section: String, _ row: SourceName?, _ tensor: SourceName) -> ByteBuffer {
    let name = ByteBuffer(section)
    if let row { name.append(Pointer.member(row.string)) }
    name.append("/")
    name.append(tensor.bytes)
    return name
  }
}
