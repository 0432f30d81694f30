import AutogradHTTP

/// What the numbers in an ``Observation`` mean in this program.
extension Observation {
  init(phases: PhaseDurations, graphDigest: String?) { self.init(phases: phases, digest: graphDigest) }

  /// Digest of the graph.
  var graphDigest: String? { digest }

  /// Why the request was rejected.
  var problem: ProblemCode? {
    get { problemNumber.flatMap(ProblemCode.init(number:)) }
    set { problemNumber = newValue?.number }
  }

  var reason: LimitReason? {
    get { reasonNumber.flatMap(LimitReason.init(number:)) }
    set { reasonNumber = newValue?.number }
  }
}

/// An enum whose cases are numbered in their order.
protocol Numbered: CaseIterable, Hashable, Sendable {
  static var numbers: [Self: UInt8] { get }
  static var all: [Self] { get }
}

extension Numbered {
  var number: UInt8 { Self.numbers[self] ?? 0 }
  var index: Int { Int(number) }

  init?(number: UInt8) {
    guard Self.all.indices.contains(Int(number)) else { return nil }
    self = Self.all[Int(number)]
  }

  fileprivate static func table() -> [Self: UInt8] {
    Dictionary(uniqueKeysWithValues: allCases.enumerated().map { ($1, UInt8(clamping: $0)) })
  }
}

extension ProblemCode: Numbered {
  static let numbers = table()
  static let all = allCases
}

extension LimitReason: Numbered {
  static let numbers = table()
  static let all = allCases
}
