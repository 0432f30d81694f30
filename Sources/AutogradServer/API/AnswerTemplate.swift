import AutogradCore
import AutogradFormats
import AutogradGraphs

/// The answer of a computation without its numbers: everything else is the same each time, and is made once.
struct AnswerTemplate: Sendable {
  /// All text, end to end, with the data of a tensor after each field's share of it.
  private let text: ByteBuffer
  private let fields: [Field]
  /// Nil for a safetensors file, which has the bytes of the tensors themselves.
  private let encoder: TensorEncoder?
  /// The most that its data are written with.
  private let dataByteCount: Int

  struct Field: Sendable {
    /// Where the text before the data ends.
    var textEnd: Int
    /// Which of the plan's distinct results it is.
    var result: Int
    var type: TensorType
  }

  var byteCount: Int { text.capacity + fields.count * MemoryLayout<Field>.stride }

  init(_ sections: [Section], _ plan: Plan, _ form: TensorEncoder.Form, _ warnings: [DifferentialRequest.Warning]) {
    var writer = Writer(encoder: TensorEncoder(form: form), plan: plan)
    writer.append(sections, warnings)
    text = writer.text
    fields = writer.fields
    encoder = writer.encoder
    dataByteCount = writer.fields.reduce(0) { Size.sum($0, writer.encoder.byteLimit($1.type)) }
  }

  init(text: ByteBuffer, fields: [Field], encoder: TensorEncoder?, dataByteCount: Int) {
    self.text = text
    self.fields = fields
    self.encoder = encoder
    self.dataByteCount = dataByteCount
  }

  /// The most that an answer takes: what there is room for, so that nothing is moved while it is written. Of pages that
  /// nothing is written to the system has none.
  var answerByteCount: Int { Size.sum(text.count, dataByteCount) }

  var contentType: String { encoder == nil ? MediaTypes.safetensors : MediaTypes.json }

  /// Writes the answer. A small one is written into the draft and copied: the room that it might have taken is several
  /// times what it takes, and more than malloc keeps at hand for each thread.
  /// - Parameter result: where the data of the plan's distinct results lie.
  /// - Throws: `interrupted`: many numbers take longer to write than to compute.
  func answer(
    draft: ByteBuffer, _ interruption: Interruption?, _ result: (Int) -> UnsafeRawPointer
  ) throws(GraphError) -> ByteBuffer {
    guard answerByteCount <= AnswerTemplate.largestDraft else {
      let json = ByteBuffer(capacity: answerByteCount)
      try write(to: json, interruption, result)
      return json
    }
    draft.removeAll()
    try write(to: draft, interruption, result)
    let json = ByteBuffer(capacity: draft.count)
    json.append(draft.bytes)
    return json
  }

  private static let largestDraft = 16 << 10

  private func write(
    to json: ByteBuffer, _ interruption: Interruption?, _ result: (Int) -> UnsafeRawPointer
  ) throws(GraphError) {
    var written = 0
    for field in fields {
      json.append(UnsafeRawBufferPointer(rebasing: text.bytes[written..<field.textEnd]))
      written = field.textEnd
      if let encoder {
        encoder.appendData(field.type, result(field.result), to: json, interruption)
      } else {
        json.append(UnsafeRawBufferPointer(start: result(field.result), count: field.type.byteCount))
      }
      try interruption?.check()
    }
    json.append(UnsafeRawBufferPointer(rebasing: text.bytes[written...]))
  }

  /// Writes the text, and notes where data belong.
  private struct Writer {
    let encoder: TensorEncoder
    let plan: Plan
    let text = ByteBuffer(capacity: 256)
    var fields: [Field] = []

    mutating func append(_ sections: [Section], _ warnings: [DifferentialRequest.Warning]) {
      text.append("{")
      for (position, section) in sections.enumerated() {
        text.append(position > 0 ? ", \"\(section.name)\": " : "\"\(section.name)\": ")
        switch section.content {
        case .tensors(let named): append(named)
        case .table(let rows):
          text.append("{")
          for (index, row) in rows.enumerated() {
            if index > 0 { text.append(", ") }
            text.appendJSONString(row.row.bytes)
            text.append(": ")
            append(row.tensors)
          }
          text.append("}")
        }
      }
      warnings.append(to: text)
      text.append("}\n")
    }

    private mutating func append(_ named: [NamedValue]) {
      text.append("{")
      for (position, name) in named.map(\.name).enumerated() {
        if position > 0 { text.append(", ") }
        text.appendJSONString(name.bytes)
        text.append(": ")
        // The plan's outputs are all tensors of the answer, in its order.
        let result = plan.outputs[fields.count]
        let type = plan.resultTypes[result]
        encoder.appendHead(type, to: text)
        fields.append(Field(textEnd: text.count, result: result, type: type))
        encoder.appendTail(to: text)
      }
      text.append("}")
    }
  }
}

extension [DifferentialRequest.Warning] {
  /// Writes the member of an answer that has them; nothing where there are none.
  func append(to json: ByteBuffer) {
    if isEmpty { return }
    json.append(", \"warnings\": ")
    appendList(to: json)
  }

  /// Writes the list itself.
  func appendList(to json: ByteBuffer) {
    json.append("[")
    for (position, warning) in enumerated() {
      json.append(
        position > 0
          ? ", {\"code\": \"\(warning.code)\", \"pointer\": " : "{\"code\": \"\(warning.code)\", \"pointer\": ")
      json.appendJSONString(warning.pointer)
      json.append(", \"detail\": ")
      json.appendJSONString(warning.detail)
      json.append("}")
    }
    json.append("]")
  }
}
