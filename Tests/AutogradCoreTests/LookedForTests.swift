import Testing

@testable import AutogradCore

/// What is said about names that are no operations.
@Suite struct LookedForTests {
  /// An advice that names an operation which is none would lead from one error to the next.
  @Test func advicesNameOperations() {
    for (name, advice) in LookedFor.table {
      for piece in advice.split(separator: "(").dropLast() {
        let word = String(piece.reversed().prefix { $0.isLetter || $0.isNumber || $0 == "_" }.reversed())
        if word.isEmpty { continue }
        #expect(OpCatalog.operation(named: word) != nil, "\(name): \(advice)")
      }
    }
  }

  @Test(arguments: ["exp2", "lg", "abs2", "cov", "nansum", "relu6", "vmap", "fft", "randn", "ifelse"])
  func adviceComesBeforeSpelling(_ name: String) {
    #expect(OpCatalog.suggestions(for: name).isEmpty)
    #expect(OpCatalog.hint(for: name) == LookedFor.advice(for: name))
    #expect(OpCatalog.hint(for: name.uppercased()) == LookedFor.advice(for: name))
  }

  /// Spelling counts for names of four letters and more, one edit away.
  @Test(arguments: [("matmull", "matmul"), ("tranpose", "transpose"), ("lgama", "lgamma"), ("quantil", "quantile")])
  func oneEdit(_ name: String, _ meant: String) { #expect(OpCatalog.hint(for: name) == "did you mean \(meant)?") }

  @Test(arguments: ["ad", "sun", "zzz", "matttmull", "frobnicate", ""])
  func noGuesses(_ name: String) { #expect(OpCatalog.hint(for: name) == nil) }

  @Test func otherLibrariesNames() {
    for (name, meant) in [
      ("ln", "log"), ("multiply", "mul"), ("topk", "top_k"), ("percentile", "quantile"), ("trapz", "trapezoid"),
    ] {
      #expect(OpCatalog.hint(for: name) == "did you mean \(meant)?")
    }
  }

  /// What is an operation, or another name of one, is answered before; advice for it would never be seen.
  @Test func nothingIsInVain() {
    let names = Set(OpCatalog.operations.flatMap { [$0.reference.name] + $0.reference.otherNames })
    for name in LookedFor.table.keys where names.contains(name) { Issue.record("\(name)") }
  }

  @Test(arguments: [
    ("sum", "dim", "did you mean axis?"), ("std", "ddof", "did you mean correction?"),
    ("top_k", "largest", "for the smallest, apply it to neg(x) and take neg of the values"),
    ("where", "condition", "condition is an input: name it in inputs"),
    ("gelu", "aproximate", "did you mean approximate?"),
    ("norm", "p", "did you mean ord?"), ("cdist", "ord", "did you mean p?"),
  ])
  func attributes(_ operation: String, _ attribute: String, _ advice: String) throws {
    let reference = try #require(OpCatalog.operation(named: operation)).reference
    #expect(LookedForAttributes.advice(for: attribute, of: reference) == advice)
  }

  @Test func renamedAttributesExist() {
    let known = Set(OpCatalog.operations.flatMap { $0.reference.attributes.map(\.name) })
    for (name, ours) in LookedForAttributes.renamed {
      #expect(known.isSuperset(of: ours) && !ours.contains(name), "\(name): \(ours)")
    }
  }
}
