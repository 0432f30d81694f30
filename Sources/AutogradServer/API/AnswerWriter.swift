import AutogradCore

/// Writes the answer of a computation.
struct AnswerWriter {
  let form: TensorEncoder.Form

  func answer(
    _ sections: [Section], _ results: [Tensor], _ warnings: [DifferentialRequest.Warning], estimate: Int
  ) -> ByteBuffer {
    let json = ByteBuffer(capacity: 256 + estimate)
    var tensors = results[...]
    json.append("{")
    for (position, section) in sections.enumerated() {
      json.append(position > 0 ? ", \"\(section.name)\": " : "\"\(section.name)\": ")
      switch section.content {
      case .tensors(let named): append(named, &tensors, to: json)
      case .table(let rows):
        json.append("{")
        for (index, row) in rows.enumerated() {
          if index > 0 { json.append(", ") }
          json.appendJSONString(row.row.bytes)
          json.append(": ")
          append(row.tensors, &tensors, to: json)
        }
        json.append("}")
      }
    }
    AnswerWriter.append(warnings, to: json)
    json.append("}\n")
    return json
  }

  private func append(_ named: [GraphDecoder.Named], _ tensors: inout ArraySlice<Tensor>, to json: ByteBuffer) {
    let encoder = TensorEncoder(form: form)
    json.append("{")
    for (position, (name, tensor)) in zip(named, tensors.prefix(named.count)).enumerated() {
      if position > 0 { json.append(", ") }
      json.appendJSONString(name.name.bytes)
      json.append(": ")
      encoder.append(tensor, to: json)
    }
    json.append("}")
    tensors = tensors.dropFirst(named.count)
  }

  /// The member of an answer that has them; nothing where there are none.
  static func append(_ warnings: [DifferentialRequest.Warning], to json: ByteBuffer) {
    if warnings.isEmpty { return }
    json.append(", \"warnings\": [")
    for (position, warning) in warnings.enumerated() {
      json.append(position > 0 ? ", {\"code\": \"\(warning.code)\", \"pointer\": " : "{\"code\": \"\(warning.code)\", \"pointer\": ")
      json.appendJSONString(warning.pointer)
      json.append(", \"detail\": ")
      json.appendJSONString(warning.detail)
      json.append("}")
    }
    json.append("]")
  }
}
