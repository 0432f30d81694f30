import AutogradCore
import AutogradFormats
import AutogradGraphs
import AutogradHTTP

/// The text of an answer without its numbers. It is the same for each run of a plan, so it is made once.
struct AnswerTemplate: Sendable {
  /// All text up to the warnings, concatenated. The data of a tensor follow each field's part.
  private let text: ByteBuffer
  let fields: [Field]
  /// For each field where it is in the answer, such as `/gradients/x`.
  let pointers: [String]
  // One of the two. Not an enum of both: it would mark the case in the pointers, which leak detectors then do not see.
  private let encoder: TensorEncoder?
  /// Of a safetensors file, which has the bytes of the tensors themselves behind it.
  private let header: SafetensorsHeader?
  /// Warnings that every answer of the plan has.
  private let warnings: [DifferentialRequest.Warning]
  /// Maximum size of the data as text.
  private let dataByteCount: Int

  struct Field: Sendable {
    /// Where the text before the data ends.
    var textEnd: Int
    /// Which of the plan's distinct results it is.
    var result: Int
    var type: TensorType
  }

  var byteCount: Int {
    text.capacity + fields.count * MemoryLayout<Field>.stride
      + pointers.reduce(0) { $0 + 16 + $1.utf8.count }
  }

  init(_ sections: [Section], _ plan: Plan, _ form: TensorEncoder.Form, _ warnings: [DifferentialRequest.Warning]) {
    var writer = Writer(encoder: TensorEncoder(form: form), plan: plan)
    writer.append(sections)
    self.init(
      text: writer.text, fields: writer.fields, pointers: writer.pointers, encoder: writer.encoder,
      warnings: warnings,
      dataByteCount: writer.fields.reduce(0) { Size.sum($0, writer.encoder.byteLimit($1.type)) })
  }

  init(
    text: ByteBuffer, fields: [Field], pointers: [String], encoder: TensorEncoder? = nil,
    header: SafetensorsHeader? = nil, warnings: [DifferentialRequest.Warning],
    dataByteCount: Int
  ) {
    self.text = text
    self.fields = fields
    self.pointers = pointers
    self.encoder = encoder
    self.header = header
    self.warnings = warnings
    self.dataByteCount = dataByteCount
  }

  /// Maximum size of an answer. This much is allocated, so that the buffer never moves while it is written. Pages that
  /// are not written take no memory.
  var answerByteCount: Int { Size.sum(Size.sum(text.count, dataByteCount), warnings.count * 1024) }

  /// The length of an answer with these warnings, if it does not depend on its numbers.
  func exactByteCount(_ found: [DifferentialRequest.Warning]) -> Int? {
    guard let header else { return nil }
    return Size.sum(found.isEmpty ? text.count : header.text(warnings + found).count, dataByteCount)
  }

  var contentType: String { header == nil ? MediaTypes.json : MediaTypes.safetensors }

  // MARK: Writing

  /// How far an answer has been written.
  struct Progress {
    fileprivate var field = 0
    fileprivate var isInData = false
    fileprivate var data = TensorEncoder.Progress()
    fileprivate(set) var isAtEnd = false
  }

  /// Goes on from `progress` until the buffer holds about that many bytes, or until the answer ends.
  /// - Parameters:
  ///   - block: the memory of the run, with the data of the plan's distinct results at the offsets `results`.
  ///   - found: warnings of this answer only.
  func write(
    _ progress: inout Progress, to buffer: ByteBuffer, until byteCount: Int, from block: UnsafeRawPointer,
    _ results: [Int], _ found: [DifferentialRequest.Warning], _ interruption: Interruption?
  ) throws(GraphError) {
    while progress.field < fields.count, buffer.count < byteCount {
      let field = fields[progress.field]
      if !progress.isInData { appendText(progress.field, found, to: buffer) }
      progress.isInData = true
      let start = block + results[field.result]
      if let encoder {
        encoder.appendData(&progress.data, field.type, start, to: buffer, until: byteCount, interruption)
      } else {
        progress.data.appendBytes(field.type, start, to: buffer, until: byteCount)
      }
      try interruption?.check()
      guard progress.data.isAtEnd else { return }
      progress.field += 1
      progress.isInData = false
      progress.data = TensorEncoder.Progress()
    }
    guard progress.field == fields.count else { return }
    appendText(fields.count, found, to: buffer)
    if header == nil {
      warnings.append(found, to: buffer)
      buffer.append("}\n")
    }
    progress.isAtEnd = true
  }

  /// The text before a field, or behind the last.
  private func appendText(_ field: Int, _ found: [DifferentialRequest.Warning], to buffer: ByteBuffer) {
    let start = field == 0 ? 0 : fields[field - 1].textEnd
    if field == 0, !found.isEmpty, let header {
      return buffer.append(header.text(warnings + found))
    }
    let end = field < fields.count ? fields[field].textEnd : text.count
    buffer.append(UnsafeRawBufferPointer(rebasing: text.bytes[start..<end]))
  }

  /// Writes the text and notes where data go.
  private struct Writer {
    let encoder: TensorEncoder
    let plan: Plan
    let text = ByteBuffer(capacity: 256)
    var fields: [Field] = []
    var pointers: [String] = []

    mutating func append(_ sections: [Section]) {
      text.append("{")
      for (position, section) in sections.enumerated() {
        text.append(position > 0 ? ", \"\(section.name)\": " : "\"\(section.name)\": ")
        switch section.content {
        case .tensors(let named): append(named, "/\(section.name)")
        case .table(let rows):
          text.append("{")
          for (index, row) in rows.enumerated() {
            if index > 0 { text.append(", ") }
            text.appendJSONString(row.row.bytes)
            text.append(": ")
            append(row.tensors, "/\(section.name)" + Pointer.member(row.row.string))
          }
          text.append("}")
        case .tensor: appendTensor("/\(section.name)")
        case .json(let json): text.append(json)
        }
      }
    }

    private mutating func append(_ named: [NamedValue], _ pointer: String) {
      text.append("{")
      for (position, name) in named.map(\.name).enumerated() {
        if position > 0 { text.append(", ") }
        text.appendJSONString(name.bytes)
        text.append(": ")
        appendTensor(pointer + Pointer.member(name.string))
      }
      text.append("}")
    }

    /// Appends the next output of the plan. The outputs are the tensors of the answer, in the same order.
    private mutating func appendTensor(_ pointer: String) {
      let result = plan.outputs[fields.count]
      let type = plan.resultTypes[result]
      encoder.appendHead(type, to: text)
      fields.append(Field(textEnd: text.count, result: result, type: type))
      pointers.append(pointer)
      encoder.appendTail(to: text)
    }
  }
}

extension [DifferentialRequest.Warning] {
  /// Writes the member `warnings`, including those found during the run; writes nothing if there are none.
  func append(_ found: [DifferentialRequest.Warning] = [], to json: ByteBuffer) {
    if isEmpty && found.isEmpty { return }
    json.append(", \"warnings\": ")
    (self + found).appendList(to: json)
  }

  /// Writes the list itself.
  func appendList(to json: ByteBuffer) {
    json.append("[")
    for (position, warning) in enumerated() {
      json.append(position > 0 ? ", {\"code\": \"\(warning.code)\"" : "{\"code\": \"\(warning.code)\"")
      for (member, value) in [("pointer", warning.pointer), ("graph", warning.graph)] {
        guard let value else { continue }
        json.append(", \"\(member)\": ")
        json.appendJSONString(value)
      }
      json.append(", \"detail\": ")
      json.appendJSONString(warning.detail)
      json.append("}")
    }
    json.append("]")
  }
}
