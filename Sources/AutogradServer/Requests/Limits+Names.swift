import AutogradFormats
import AutogradGraphs

extension Limits {
  /// The limits of graphs.
  var graphs: GraphLimits { GraphLimits(nodes: nodes, rank: rank, elements: elements) }

  /// Rejects a request that names more values than a graph may have nodes, before anything is allocated for them. The
  /// names in nodes are counted as nodes are read.
  func checkNames(in root: JSONValue) throws(FormatError) {
    let graph = root["graph"]
    var tensors = 0
    for (pointer, object) in [
      ("/inputs", root["inputs"]), ("/graph/constants", graph?["constants"]), ("/cotangents", root["cotangents"]),
      ("/tangents", root["tangents"]), ("/vectors", root["vectors"]),
    ] {
      guard let object, object.kind == .object else { continue }
      tensors += object.count
      try checkNames(tensors, "the request has", "tensors", at: pointer)
    }
    for (pointer, list) in [
      ("/graph/inputs", graph?["inputs"]), ("/graph/outputs", graph?["outputs"]), ("/outputs", root["outputs"]),
      ("/of", root["of"]),
      ("/wrt", root["wrt"]), ("/batch", root["batch"]),
    ] {
      guard let list, list.kind == .array else { continue }
      try checkNames(list.count, "the list has", "names", at: pointer)
    }
  }

  private func checkNames(_ count: Int, _ who: String, _ what: String, at pointer: String) throws(FormatError) {
    try graphs.checkNames(count, who, what, at: pointer)
  }
}
