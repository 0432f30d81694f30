import AutogradCore
import AutogradGraphs

/// The part of a computation that depends on the tensors of a stored graph alone. It is computed once, and kept with
/// the graph.
struct StoredPrelude: Sendable {
  private let plan: Plan
  /// Which of the stored graph's tensors its inputs are.
  private let tensors: [Int]
  private let key: SHA256Digest

  /// Divides a graph, and computes the part.
  /// - Parameters:
  ///   - sources: where the data of the graph's inputs come from.
  ///   - limits: of one request, for the part alone. A part beyond them stays in the graph, which they hold for too.
  ///   - isInline: whether this is a socket thread, where nothing may take long.
  /// - Returns: the part and the rest, whose inputs are those of the graph and then what was computed; nil where there
  ///   is nothing to gain.
  /// - Throws: `interrupted`.
  static func divide(
    _ graph: Graph, _ sources: [InputSource], of stored: StoredGraph, _ limits: Limits, _ interruption: Interruption?,
    isInline: Bool,
    _ reserve: (Int) -> Bool
  ) throws(GraphError) -> (StoredPrelude, rest: Graph)? {
    let tensors = sources.compactMap { if case .stored(let tensor) = $0 { tensor } else { nil } }
    let isFixed = sources.map { if case .stored = $0 { true } else { false } }
    guard !tensors.isEmpty, let divided = try graph.hoisted(isFixed: isFixed) else { return nil }
    let prelude = StoredPrelude(
      plan: try Plan(divided.once, interruption: interruption), tensors: tensors,
      key: (divided.once.signature + tensors.flatMap { "\($0) ".utf8 }).withUnsafeBytes { SHA256Digest(of: $0) })
    if prelude.isDone(for: stored) { return (prelude, divided.rest) }
    guard prelude.plan.work <= limits.planWork, prelude.plan.peakByteCount <= limits.planBytes else { return nil }
    if isInline, !prelude.isBrief {
      // The compute pool starts again.
      interruption?.interrupt()
      throw Interruption.error
    }
    guard isInline || reserve(prelude.plan.peakByteCount) else { throw Interruption.error }
    do throws(GraphError) {
      _ = try prelude.results(for: stored, interruption)
    } catch {
      if error.code == .interrupted { throw error }
      // The whole graph fails in the same way, and its error has the right place.
      return nil
    }
    return prelude.isDone(for: stored) ? (prelude, divided.rest) : nil
  }

  var work: Int { plan.work }
  var peakByteCount: Int { plan.peakByteCount }

  private var isBrief: Bool {
    plan.work <= DifferentialHandler.inlineWork && plan.peakByteCount <= DifferentialHandler.largestInlineRun
  }

  func isDone(for stored: StoredGraph) -> Bool { stored.derived(key) != nil }

  /// What it computes, for a graph with the bytes of the one that it was made for.
  func results(for stored: StoredGraph, _ interruption: Interruption?) throws(GraphError) -> [Tensor] {
    if let known = stored.derived(key) { return known }
    let results = try plan.run(tensors.map { stored.tensors[$0] }, interruption: interruption)
    _ = stored.keep(results, derivedAs: key)
    return results
  }
}
