import AutogradFormats
import AutogradGraphs
import Glibc

/// What is said of registered graphs, as JSON.
enum GraphsDocument {
  /// A page of the list.
  static func list(_ graphs: [StoredVersion], _ hasMore: Bool, isPersistent: Bool) -> ByteBuffer {
    let json = ByteBuffer()
    json.append("{\"graphs\": [")
    for (position, graph) in graphs.enumerated() {
      if position > 0 { json.append(", ") }
      json.append("{\"name\": ")
      json.appendJSONString(graph.name.text)
      json.append(", \"version\": \(graph.version)")
      appendCommon(graph, to: json)
      json.append("}")
    }
    json.append("], \"next\": ")
    if hasMore, let last = graphs.last { json.appendJSONString(last.name.text) } else { json.append("null") }
    json.append(isPersistent ? ", \"persistent\": true}\n" : ", \"persistent\": false}\n")
    return json
  }

  static func versions(_ versions: [StoredVersion], of name: GraphName) -> ByteBuffer {
    let json = ByteBuffer()
    json.append("{\"name\": ")
    json.appendJSONString(name.text)
    json.append(", \"versions\": [")
    for (position, version) in versions.enumerated() {
      json.append(position > 0 ? ", {\"version\": \(version.version)" : "{\"version\": \(version.version)")
      appendCommon(version, to: json)
      appendBytes(version, to: json)
      json.append("}")
    }
    json.append("]}\n")
    return json
  }

  /// A graph as a formula and as JSON.
  struct Forms {
    fileprivate let text: ByteBuffer
    fileprivate let json = ByteBuffer()

    init(_ graph: StoredGraph) throws(FormatError) {
      text = try graph.formula()
      try graph.writeJSON(to: json)
    }
  }

  /// Everything about one version.
  static func describe(_ graph: StoredGraph, _ forms: Forms, as version: StoredVersion) -> ByteBuffer {
    let json = ByteBuffer(capacity: 1024)
    json.append("{\"name\": ")
    json.appendJSONString(version.name.text)
    json.append(", \"version\": \(version.version)")
    appendCommon(version, to: json)
    appendBytes(version, to: json)
    json.append(", \"inputs\": [")
    for (position, input) in graph.inputs.enumerated() {
      if position > 0 { json.append(", ") }
      append(input, to: json)
    }
    json.append("], \"outputs\": [")
    for (position, output) in graph.outputs.enumerated() {
      if position > 0 { json.append(", ") }
      json.appendJSONString(output)
    }
    json.append("], \"text\": ")
    withExtendedLifetime(forms) { json.appendJSONString(forms.text.bytes) }
    json.append(", \"graph\": ")
    json.append(forms.json)
    json.append(", \"protocols\": {}")
    json.append(version.isReadOnly ? ", \"read_only\": true}\n" : ", \"read_only\": false}\n")
    return json
  }

  // MARK: Parts

  private static func appendCommon(_ version: StoredVersion, to json: ByteBuffer) {
    json.append(", \"created\": \"\(time(version.created))\", \"description\": ")
    if let description = version.description { json.appendJSONString(description) } else { json.append("null") }
  }

  private static func appendBytes(_ version: StoredVersion, to json: ByteBuffer) {
    if version.damage != nil { return json.append(", \"sha256\": null, \"bytes\": null, \"damaged\": true") }
    json.append(", \"sha256\": \"\(version.digest.hex)\", \"bytes\": \(version.byteCount)")
  }

  private static func append(_ input: StoredGraph.Input, to json: ByteBuffer) {
    json.append("{\"name\": ")
    json.appendJSONString(input.name.bytes)
    json.append(input.dtype.map { ", \"dtype\": \"\($0)\", \"shape\": " } ?? ", \"dtype\": null, \"shape\": ")
    if let shape = input.shape {
      json.append("[")
      for (axis, dimension) in shape.enumerated() {
        if axis > 0 { json.append(", ") }
        if case .named(let name) = dimension { json.appendJSONString(name) } else { json.append("\(dimension)") }
      }
      json.append("]")
    } else {
      json.append("null")
    }
    json.append(input.hasDefault ? ", \"default\": true}" : ", \"default\": false}")
  }

  /// Milliseconds of Unix time as RFC 3339 has them.
  private static func time(_ milliseconds: Int) -> String {
    var seconds = time_t(milliseconds / 1000)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func digits(_ number: Int, _ count: Int) -> String {
      let text = "\(number)"
      return String(repeating: "0", count: max(0, count - text.count)) + text
    }
    let date = [digits(Int(parts.tm_year) + 1900, 4), digits(Int(parts.tm_mon) + 1, 2), digits(Int(parts.tm_mday), 2)]
    let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { digits(Int($0), 2) }
    return date.joined(separator: "-") + "T" + clock.joined(separator: ":") + "." + digits(milliseconds % 1000, 3) + "Z"
  }
}
