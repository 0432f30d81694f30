import AutogradFormats
import AutogradGraphs
import AutogradHTTP

/// Requests whose path names the graph: `POST /v1/graphs/{name}/evaluate` and the like.
struct NamedGraphHandler: Sendable {
  let store: GraphStore

  /// Nanoseconds that reading a graph takes, about: a file of a megabyte.
  private static let costOfReading: Int64 = 2_000_000

  /// Answers with the graph as it is now: from here to its end the request sees this version.
  func reply(
    to request: Request, _ path: PathParameters, _ answer: @escaping @Sendable (Request, StoredGraph) -> Reply
  ) throws(Problem) -> Reply {
    let reference = try GraphsHandler.reference(path)
    do throws(StoreFailure) {
      if let graph = try store.known(reference) { return answer(request, graph) }
    } catch {
      throw Problem(error, reference, store)
    }
    return .later(
      Work(cost: NamedGraphHandler.costOfReading) { [store] cancellation in
        var request = request
        request.cancellation = cancellation
        do throws(StoreFailure) {
          return answer(request, try store.graph(reference))
        } catch {
          return .now(Problem(error, reference, store).response(requestID: request.id))
        }
      })
  }
}

extension StoredGraph {
  /// Headers of answers that were computed with it, beside those of all answers.
  var headers: [(name: String, value: String)] {
    [("X-Graph-Digest", digest), ("X-Graph-Version", "\(version.version)")]
  }
}
