import AutogradCore
import AutogradFormats
import AutogradGraphs

extension AnswerTemplate {
  /// An answer as a safetensors file: tensors are called `outputs/y`, `gradients/x`, `jacobians/y/x` and so on.
  ///
  /// The header names them in the order of the JSON answer; their data are sorted by element size, widest first, so
  /// that all are aligned.
  static func safetensors(_ sections: [Section], _ plan: Plan, _ warnings: [DifferentialRequest.Warning])
    -> AnswerTemplate
  {
    var entries: [(name: ByteBuffer, pointer: String, field: Field, begin: Int)] = []
    func append(_ section: String, _ row: SourceName? = nil, _ tensor: SourceName? = nil) {
      let name = name(section, row, tensor)
      let pointer = ([row, tensor].compactMap { $0 }).reduce("/" + section) { $0 + Pointer.member($1.string) }
      // The plan's outputs are the tensors of the answer, in the same order.
      let result = plan.outputs[entries.count]
      entries.append((name, pointer, Field(textEnd: 0, result: result, type: plan.resultTypes[result]), 0))
    }
    for section in sections {
      switch section.content {
      case .tensors(let named): for entry in named { append(section.name, nil, entry.name) }
      case .table(let rows):
        for row in rows {
          for entry in row.tensors { append(section.name, row.row, entry.name) }
        }
      case .tensor: append(section.name)
      case .json: break
      }
    }
    var position = 0
    var fields: [Field] = []
    var pointers: [String] = []
    for width in [8, 4, 1] {
      for index in entries.indices where entries[index].field.type.dtype.byteWidth == width {
        entries[index].begin = position
        position = Size.sum(position, entries[index].field.type.byteCount)
        fields.append(entries[index].field)
        pointers.append(entries[index].pointer)
      }
    }

    let tensors = ByteBuffer(capacity: 512)
    for (index, entry) in entries.enumerated() {
      if index > 0 { tensors.append(", ") }
      withExtendedLifetime(entry) { tensors.appendJSONString(entry.name.bytes) }
      tensors.append(": {\"dtype\": \"")
      tensors.append(entry.field.type.dtype.safetensors)
      tensors.append("\", \"shape\": [")
      for axis in 0..<entry.field.type.shape.rank {
        if axis > 0 { tensors.append(", ") }
        tensors.append(int: Int64(entry.field.type.shape[axis]))
      }
      tensors.append("], \"data_offsets\": [\(entry.begin), \(entry.begin + entry.field.type.byteCount)]}")
    }
    let header = SafetensorsHeader(members: members(sections), tensors: tensors)
    let text = header.text(warnings)
    for index in fields.indices { fields[index].textEnd = text.count }
    return AnswerTemplate(
      text: text, fields: fields, pointers: pointers, header: header, warnings: warnings,
      dataByteCount: position)
  }

  /// The parts of an answer that are not tensors, as JSON.
  private static func members(_ sections: [Section]) -> [(name: String, json: String)] {
    sections.compactMap { section in
      if case .json(let json) = section.content { (section.name, json) } else { nil }
    }
  }

  /// In the name of a row, `~` and `/` are written `~0` and `~1`. So the name of the column begins after the second
  /// slash, and names are unique.
  private static func name(_ section: String, _ row: SourceName?, _ tensor: SourceName?) -> ByteBuffer {
    let name = ByteBuffer(section)
    if let row { name.append(Pointer.member(row.string)) }
    guard let tensor else { return name }
    name.append("/")
    name.append(tensor.bytes)
    return name
  }
}

/// The header of an answer as a safetensors file. Members that are not tensors are in `__metadata__`, as strings of
/// JSON.
struct SafetensorsHeader: Sendable {
  /// Members that are not tensors and are in every answer of the plan.
  let members: [(name: String, json: String)]
  /// The entries of the tensors.
  let tensors: ByteBuffer

  /// The file up to the data of the tensors.
  func text(_ warnings: [DifferentialRequest.Warning]) -> ByteBuffer {
    let json = ByteBuffer(capacity: tensors.count + 512)
    json.append("{")
    let metadata = (warnings.isEmpty ? [] : [("warnings", list(warnings))]) + members
    for (index, member) in metadata.enumerated() {
      json.append(index > 0 ? ", \"\(member.0)\": " : "\"__metadata__\": {\"\(member.0)\": ")
      json.appendJSONString(member.1)
    }
    if !metadata.isEmpty { json.append("}") }
    if !metadata.isEmpty && tensors.count > 0 { json.append(", ") }
    withExtendedLifetime(tensors) { json.append(tensors.bytes) }
    json.append("}")
    while json.count % 8 != 0 { json.append(UInt8(ascii: " ")) }
    let text = ByteBuffer(capacity: json.count + 8)
    UnsafeMutableRawPointer(text.reserve(8)).storeBytes(of: UInt64(json.count).littleEndian, as: UInt64.self)
    text.commit(8)
    withExtendedLifetime(json) { text.append(json.bytes) }
    return text
  }

  private func list(_ warnings: [DifferentialRequest.Warning]) -> String {
    let list = ByteBuffer()
    warnings.appendList(to: list)
    return list.string
  }
}
