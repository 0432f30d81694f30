import AutogradFormats
import AutogradGraphs

extension Limits {
  /// The limits of graphs.
  var graphs: GraphLimits {
    var limits = GraphLimits(nodes: nodes, rank: rank, elements: elements)
    limits.documentBytes = documentBytes
    return limits
  }

  /// Rejects a request that names more values than a graph may have nodes, before anything is allocated for them. The
  /// names in nodes are counted as nodes are read.
  func checkNames(in root: JSONValue) throws(FormatError) {
    let graph = root["graph"]
    var tensors = 0
    func count(_ object: JSONValue?, at pointer: @autoclosure () -> String) throws(FormatError) {
      guard let object, object.kind == .object else { return }
      tensors += object.count
      try graphs.checkNames(tensors, "the request has", "tensors", at: pointer())
    }
    func check(_ list: JSONValue?, at pointer: @autoclosure () -> String) throws(FormatError) {
      guard let list, list.kind == .array else { return }
      try graphs.checkNames(list.count, "the list has", "names", at: pointer())
    }
    try check(graph?["inputs"], at: "/graph/inputs")
    try check(graph?["outputs"], at: "/graph/outputs")
    for member in RequestMember.all {
      switch member.metadata {
      case .otherTensors:
        try count(root[member.name], at: "/\(member.name)")
        try count(graph?["constants"], at: "/graph/constants")
      case .tensors: try count(root[member.name], at: "/\(member.name)")
      case .names: try check(root[member.name], at: "/\(member.name)")
      case .json, .plain, .flag: continue
      }
    }
  }
}
