import Foundation
import Testing

@testable import AutogradHTTP
@testable import AutogradServer

/// The commands of a page, run in order on a server that begins empty, print what the page shows after each.
@Suite struct GraphsPageTests {
  @Test(arguments: [("docs/graphs.md", 20), ("docs/formulas.md", 4)])
  func commandsPrintWhatIsShown(_ file: String, _ least: Int) throws {
    let text = String(decoding: try Project.file(file), as: UTF8.self)
    let blocks = text.matches(of: /```sh\n((?s:.*?))\n```\n\n```(?:json|csv|text)\n((?s:.*?))\n```/)
    #expect(blocks.count >= least)
    #expect(text.components(separatedBy: "```sh\n").count == blocks.count + 1, "an answer follows each command")
    let server = try GraphsServer(.memory)
    for block in blocks {
      var printed = ""
      for words in Self.commands(String(block.1)) {
        if words.first == "grep" {
          let wanted = try #require(words.count == 2 ? words[1] : nil)
          printed = printed.split(separator: "\n").filter { $0.contains(wanted) }.joined(separator: "\n")
        } else {
          printed = try CurlCommand(words, input: printed).printed(by: server)
        }
      }
      #expect(Self.comparable(printed) == Self.comparable(String(block.2)), "\(file): \(block.1)")
    }
  }

  /// The words of each command of a pipe. The pages quote by `'…'` only.
  private static func commands(_ text: String) -> [[String]] {
    var commands: [[String]] = [[]]
    var word: String?
    var isQuoted = false
    for character in text.replacingOccurrences(of: "\\\n", with: " ") + " " {
      switch character {
      case "'":
        isQuoted.toggle()
        word = word ?? ""
      case " " where !isQuoted, "\n" where !isQuoted:
        if let word { commands[commands.count - 1].append(word) }
        word = nil
      case "|" where !isQuoted: commands.append([])
      default: word = (word ?? "") + String(character)
      }
    }
    return commands
  }

  /// Without what differs from request to request, and without the end of the last line, which the page has anyway.
  private static func comparable(_ text: String) -> String {
    let same = text.replacing(/"created": "[^"]*"/, with: "created").replacing(/"request_id": "[^"]*"/, with: "id")
    return same.hasSuffix("\n") ? String(same.dropLast()) : same
  }
}

/// A command of curl, as far as the pages use it.
private struct CurlCommand {
  private var method: String?
  private var path = ""
  private var type: String?
  private var ifMatch: String?
  private var ifNoneMatch: String?
  private var data: [String] = []
  /// `-G`: the data stand in the address.
  private var isFetch = false
  private var showsHeaders = false
  private var showsBody = true
  private var format = ""

  /// - Parameter input: what the command before this one printed.
  init(_ words: [String], input: String) throws {
    var rest = words[...]
    func next() throws -> String {
      let word = rest.popFirst()
      return try #require(word, "a value is missing: \(words)")
    }
    #expect(try next() == "curl")
    while !rest.isEmpty {
      let word = try next()
      switch word {
      case "-s": break
      case "-sG": isFetch = true
      case "-X": method = try next()
      case "-H": try add(header: try next())
      case "-d", "--data-binary":
        let value = try next()
        data.append(value == "@-" ? input : value)
      case "--data-urlencode": data.append(Self.escaped(try next()))
      case "-D":
        #expect(try next() == "-")
        showsHeaders = true
      case "-o":
        #expect(try next() == "/dev/null")
        showsBody = false
      case "-w": format = try next()
      default:
        #expect(word.hasPrefix("localhost:8080/"), "\(word) is not known here")
        path = String(word.dropFirst("localhost:8080".count))
      }
    }
  }

  private mutating func add(header: String) throws {
    let parts = header.components(separatedBy: ": ")
    try #require(parts.count == 2, "\(header)")
    switch parts[0] {
    case "Content-Type": type = parts[1]
    case "If-Match": ifMatch = parts[1]
    case "If-None-Match": ifNoneMatch = parts[1]
    default: Issue.record("the header \(header) is not known here")
    }
  }

  /// Of `name=value` the value is escaped.
  private static func escaped(_ parameter: String) -> String {
    let parts = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let values = parts.dropFirst().map { $0.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "" }
    return ([String(parts[0])] + values).joined(separator: "=")
  }

  func printed(by server: GraphsServer) -> String {
    let sent = data.joined(separator: "&")
    let isPosted = !isFetch && !data.isEmpty
    let response = server.send(
      method ?? (isPosted ? "POST" : "GET"), isFetch ? "\(path)?\(sent)" : path, Data((isPosted ? sent : "").utf8),
      type: type ?? (isPosted ? "application/x-www-form-urlencoded" : nil), ifMatch: ifMatch, ifNoneMatch: ifNoneMatch)
    let headers = response.headers.map { "\($0.name): \($0.value)\n" }.joined()
    let end = format.replacingOccurrences(of: #"\n"#, with: "\n")
      .replacingOccurrences(of: "%{http_code}", with: "\(response.status)")
      .replacingOccurrences(of: "%header{etag}", with: response.header("ETag") ?? "")
    return (showsHeaders ? headers : "") + (showsBody ? response.body.string : "") + end
  }
}
