import AutogradFormats

/// The page's modules as one script, and its style sheets as one: a browser that opens the page asks for each file of
/// its own for milliseconds.
///
/// A module becomes a function that is called once and returns what it exports. That keeps the names of modules apart
/// and asks only that no module needs one that needs it, and that imports and exports are written as they are here:
///
///     import {el, setText} from "./dom.js";
///     export function layout(graph) {
///     const {openGraphs} = await import("./registered.js");
struct PageBundle {
  private let modules: [String: String]
  private var done: Set<String> = []
  private(set) var script = "// Made from the modules in Sources/CEmbedded/page/.\n"

  /// - Parameters:
  ///   - modules: texts by the names of their files.
  ///   - first: the module that starts the page.
  init(_ modules: [String: String], from first: String) {
    self.modules = modules
    add(first)
  }

  /// Adds a module behind all that it needs.
  private mutating func add(_ file: String) {
    guard done.insert(file).inserted, let text = modules[file] else { return }
    var body = ""
    var exports: [Substring] = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if let (names, other) = PageBundle.parseImport(line) {
        add(other)
        body += "const \(names) = \(PageBundle.variable(other));\n"
      } else {
        if let name = PageBundle.exported(line) { exports.append(name) }
        let declaration = PageBundle.exported(line) == nil ? line : line.dropFirst("export ".count)
        body += replaceLoads(in: declaration) + "\n"
      }
    }
    script +=
      "\n// \(file)\nconst \(PageBundle.variable(file)) = (() => {\n\(body)"
      + "return {\(exports.joined(separator: ", "))};\n})();\n"
  }

  /// `import("./plot.js")` is a promise of what that module exports.
  private mutating func replaceLoads(in line: Substring) -> String {
    let (opening, closing) = ("import(\"./", "\")")
    guard let start = line.firstRange(of: opening), let end = line[start.upperBound...].firstRange(of: closing) else {
      return String(line)
    }
    let file = String(line[start.upperBound..<end.lowerBound])
    add(file)
    return line[..<start.lowerBound] + "Promise.resolve(\(PageBundle.variable(file)))" + line[end.upperBound...]
  }

  /// The names in braces, and the file.
  private static func parseImport(_ line: Substring) -> (names: Substring, file: String)? {
    let (opening, middle, closing) = ("import ", "} from \"./", "\";")
    guard line.hasPrefix(opening + "{"), line.hasSuffix(closing), let found = line.firstRange(of: middle) else {
      return nil
    }
    let names = line[line.index(line.startIndex, offsetBy: opening.count)...found.lowerBound]
    return (names, String(line[found.upperBound...].dropLast(closing.count)))
  }

  /// The name of what a line exports.
  private static func exported(_ line: Substring) -> Substring? {
    for opening in ["export const ", "export class ", "export function ", "export async function "]
    where line.hasPrefix(opening) {
      return line.dropFirst(opening.count).prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "$" }
    }
    return nil
  }

  private static func variable(_ file: String) -> String {
    "module_" + file.prefix { $0 != "." }.map { $0 == "-" ? "_" : "\($0)" }.joined()
  }
}
