import AutogradFormats
import AutogradGraphs
import AutogradHTTP

/// Which part of the list of graphs is asked for: `?prefix=fit&limit=10&after=fit-3`.
struct GraphsPage {
  private(set) var prefix = ""
  private(set) var after = ""
  private(set) var limit = 100

  private static let limits = 1...1000

  init(_ query: Query) throws(Problem) {
    if let fault = query.fault {
      switch fault {
      case .escape(let name), .encoding(let name):
        throw Problem(.wrongType, "the parameter cannot be decoded", at: Pointer.member(name))
      }
    }
    var seen: Set<String> = []
    for (name, value) in query.parameters {
      guard seen.insert(name).inserted else {
        throw Problem(.duplicateKey, "the parameter \(name) is given twice", at: Pointer.member(name))
      }
      switch name {
      case "prefix": prefix = value
      case "after": after = value
      case "limit":
        guard let number = Int(value), GraphsPage.limits.contains(number) else {
          throw Problem(
            .wrongType,
            "limit is a number from \(GraphsPage.limits.lowerBound) to \(GraphsPage.limits.upperBound), got "
              + "\(value.prefix(40))",
            at: "/limit")
        }
        limit = number
      default:
        throw Problem(FormatError.unknownMember(name, of: "the address", ["prefix", "limit", "after"], at: ""))
      }
    }
  }
}
