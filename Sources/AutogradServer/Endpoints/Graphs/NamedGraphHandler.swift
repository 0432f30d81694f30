import AutogradFormats
import AutogradGraphs
import AutogradHTTP

/// Requests whose path names the graph: `POST /v1/graphs/{name}/evaluate` and the like.
struct NamedGraphHandler: Sendable {
  let store: GraphStore

  /// Nanoseconds that reading a byte of a graph takes, about.
  private static let costOfByte: Int64 = 10

  /// Answers with the graph as it is now: from here to its end the request sees this version.
  func reply(
    to request: Request, _ path: PathParameters, _ answer: @escaping @Sendable (Request, StoredGraph) -> Reply
  ) throws(Problem) -> Reply {
    if let graph = store.newest(path["name"]) { return answer(request, graph) }
    let reference = try GraphsHandler.reference(path)
    // Which older versions there are may be in as many files.
    if let number = reference.version, let graph = store.newest(reference.name.text), graph.version.version == number {
      return answer(request, graph)
    }
    var cost: Int64 = 0
    if reference.version == nil {
      do throws(StoreFailure) {
        cost = Int64(try store.version(reference).byteCount) * NamedGraphHandler.costOfByte
      } catch {
        throw Problem(error, reference, store)
      }
    }
    return .later(
      Work(cost: cost) { [store] cancellation in
        var request = request
        request.cancellation = cancellation
        do throws(StoreFailure) {
          return answer(request, try store.graph(reference) { request.reserveMore($0) })
        } catch {
          return .now(Problem(error, reference, store).response(requestID: request.id))
        }
      })
  }
}

extension StoredGraph {
  /// Headers of answers that were computed with it, beside those of all answers.
  var headers: [(name: String, value: String)] {
    [("X-Graph-Digest", digest), ("X-Graph-Version", versionText)]
  }
}
