import ArgumentParser
import AutogradCore
import AutogradFormats

/// A request that is written into arguments: `-e 'sum(x ** 2)' x=1,2,3 --wrt x`. Its options are the members of
/// requests.
struct CommandRequest {
  private var writer = RequestWriter(Limits(), .commandLine)
  /// The tensors of members such as `tangents`, each as a member of a JSON object.
  private var tensors: [(member: RequestMember, json: [String])] = []

  /// - Parameter arguments: inputs and options, in any order.
  init(_ arguments: [String]) throws {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      guard argument.hasPrefix("--") else {
        try appendInput(argument)
        continue
      }
      let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts.first ?? "")
      let option = try CommandRequest.option(name)
      if option.member.metadata == .flag {
        guard parts.count == 1 || !option.isNegated else {
          throw ValidationError("\(argument.prefix(64)): write --\(name) alone")
        }
        try writer.append(option.member, parts.count > 1 ? String(parts[1]) : option.isNegated ? "false" : "true")
        continue
      }
      guard let value = parts.count > 1 ? String(parts[1]) : rest.popFirst() else {
        throw ValidationError("a value belongs behind --\(name)")
      }
      try append(option.member, value)
    }
    for (member, json) in tensors {
      try writer.append("\(member.name)", json: "{" + json.joined(separator: ", ") + "}")
    }
  }

  /// - Parameters:
  ///   - graph: a formula, JSON, or @ and a file.
  ///   - isSelected: whether a part of the answer is picked.
  func body(graph: String, isSelected: Bool) throws -> ByteBuffer {
    var graph = graph
    if graph.hasPrefix("@"), !graph.hasPrefix("@(") {
      let text = ByteBuffer()
      try CommandInput.read(String(graph.dropFirst()), into: text)
      graph = text.string
    }
    var complete = writer
    for member in RequestMember.all where "\(member.name)" == "graph" { try complete.append(member, graph) }
    return complete.body(isSelected: isSelected)
  }

  // MARK: Inputs

  private mutating func appendInput(_ argument: String) throws {
    let (name, value) = try CommandRequest.pair(argument)
    guard let file = value.fileName else { return try writer.appendInput(name, value) }
    try writer.appendInput(name, json: try TensorFile.json(file, input: name))
  }

  private static func pair(_ argument: String) throws -> (name: String, value: String) {
    guard let sign = argument.firstIndex(of: "="), sign > argument.startIndex else {
      throw ValidationError("an input is written x=1,2,3 or x=@file.npy, got \(argument.prefix(64))")
    }
    return (String(argument[..<sign]), String(argument[argument.index(after: sign)...]))
  }

  // MARK: Options

  private mutating func append(_ member: RequestMember, _ value: String) throws {
    // An object of tensors is JSON, too.
    guard member.metadata == .tensors, !value.hasPrefix("{") else { return try writer.append(member, value) }
    let (name, text) = try CommandRequest.pair(value)
    let json = ByteBuffer()
    json.appendJSONString(name)
    json.append(": ")
    if let file = text.fileName {
      json.append(try TensorFile.json(file, input: name))
    } else {
      json.append(RequestWriter.tensor(text))
    }
    if let index = tensors.firstIndex(where: { "\($0.member.name)" == "\(member.name)" }) {
      tensors[index].json.append(json.string)
    } else {
      tensors.append((member, [json.string]))
    }
  }

  /// All members but the graph, which is the option `-e`, and the inputs.
  private static let members = RequestMember.all.filter { $0.metadata != .otherTensors && "\($0.name)" != "graph" }

  private static func option(_ name: String) throws -> (member: RequestMember, isNegated: Bool) {
    for member in members {
      if name == member.option { return (member, false) }
      if member.metadata == .flag, name == "no-" + member.option { return (member, true) }
    }
    let near = NearestNames.find(name, among: members.map(\.option) + ["endpoint", "at"])
    let hint = near.isEmpty ? "there is \(options)" : "did you mean --\(near[0])?"
    throw ValidationError("unknown option --\(name.prefix(64)); \(hint)")
  }

  /// As they are listed for people.
  static let options = members.map { "--" + $0.option }.joined(separator: ", ")

  // MARK: Paths

  /// The last parts of the paths that take requests.
  static let endpoints: [String] = {
    let paths = Routes.all(limits: Limits()) { true }.filter { $0.method == "POST" }.map(\.path)
    return paths.compactMap { path in
      let parts = path.split(separator: "/")
      return parts.count == 2 && parts[0] == "v1" ? String(parts[1]) : nil
    }
  }()

  /// `/gradients/x` of `gradients.x`; a pointer as it is.
  static func pointer(_ part: String) -> String {
    if part.hasPrefix("/") { return part }
    return part.split(separator: ".", omittingEmptySubsequences: false).map { Pointer.member(String($0)) }.joined()
  }

  /// The argument that a pointer into the request leads to.
  static func argument(at pointer: String) -> String {
    let parts = pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
      .map { String($0).replacing("~1", with: "/").replacing("~0", with: "~") }
    guard let first = parts.first else { return "" }
    switch first {
    case "inputs": return parts.count > 1 ? parts[1] : first
    case "graph": return "-e"
    default: return "--" + (first == "select" ? "at" : first.replacing("_", with: "-"))
    }
  }
}

extension RequestMember {
  /// Its name as an option.
  fileprivate var option: String { "\(name)".replacing("_", with: "-") }
}

extension String {
  /// What stands behind @; nil for a value that is no file.
  fileprivate var fileName: String? { hasPrefix("@") ? String(dropFirst()) : nil }
}
