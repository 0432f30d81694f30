import AutogradFormats

/// All error codes: the code that clients match on, its status, and the text of `GET /problems/{code}`.
enum ProblemCode: String, CaseIterable, Sendable {
  // 400: the request cannot be read.
  case invalidJSON = "invalid_json"
  case invalidFormula = "invalid_formula"
  case duplicateKey = "duplicate_key"
  case wrongType = "wrong_type"
  case unknownMember = "unknown_member"
  case missingMember = "missing_member"
  case numberOutOfRange = "number_out_of_range"
  case raggedArray = "ragged_array"
  case tooDeep = "too_deep"
  case badRequest = "bad_request"
  // Other HTTP.
  case unauthorized
  case forbidden
  case readOnly = "read_only"
  case originNotAllowed = "origin_not_allowed"
  case notFound = "not_found"
  case methodNotAllowed = "method_not_allowed"
  case notAcceptable = "not_acceptable"
  case requestTimeout = "request_timeout"
  case preconditionFailed = "precondition_failed"
  case limitExceeded = "limit_exceeded"
  case unsupportedMediaType = "unsupported_media_type"
  case misdirectedRequest = "misdirected_request"
  case notImplemented = "not_implemented"
  case quotaExceeded = "quota_exceeded"
  // 422: the request can be read, but its parts do not fit together.
  case unknownOperation = "unknown_operation"
  case unknownAttribute = "unknown_attribute"
  case invalidAttribute = "invalid_attribute"
  case wrongArity = "wrong_arity"
  case unknownName = "unknown_name"
  case duplicateName = "duplicate_name"
  case cycle
  case shapeMismatch = "shape_mismatch"
  case dtypeMismatch = "dtype_mismatch"
  case inputMismatch = "input_mismatch"
  case indexOutOfRange = "index_out_of_range"
  case singularMatrix = "singular_matrix"
  case notPositiveDefinite = "not_positive_definite"
  // Caused by the server's state.
  case insufficientStorage = "insufficient_storage"
  case damagedGraph = "damaged_graph"
  case overloaded
  case shuttingDown = "shutting_down"
  case deadlineExceeded = "deadline_exceeded"
  case `internal`

  var status: Int { entry.status }
  var title: String { entry.title }
  /// What it means and how to fix it.
  var explanation: String { entry.explanation }

  private var entry: (status: Int, title: String, explanation: String) {
    switch self {
    case .invalidJSON:
      (
        400, "The body is not JSON",
        "The body must be one JSON document (RFC 8259) in UTF-8. The detail says where the error is."
      )
    case .invalidFormula:
      (
        400, "The formula cannot be read",
        "The text of the graph breaks off, or has something that no formula has, at the given line and column. The "
          + "detail says how to write what is probably meant; docs/formulas.md has the language."
      )
    case .duplicateKey:
      (400, "Duplicate key in an object", "Each member of an object may be given once. The pointer shows the second.")
    case .wrongType:
      (
        400, "A value of the wrong kind",
        "The detail says what is expected at the pointer and what came. Non-finite numbers are the strings "
          + "\"NaN\", \"Infinity\" and \"-Infinity\"."
      )
    case .unknownMember:
      (400, "Unknown member", "Unknown members are rejected, so that a misspelt one is never ignored.")
    case .missingMember: (400, "A member is missing", "The object at the pointer lacks a member that it needs.")
    case .numberOutOfRange:
      (
        400, "A number does not fit its dtype",
        "The number at the pointer is too large for its dtype, or is not an integer where one is needed."
      )
    case .raggedArray:
      (
        400, "Rows of different lengths",
        "The nested lists of a tensor must all have one shape. The pointer shows the first that differs."
      )
    case .tooDeep:
      (400, "Nested too deeply", "Lists and objects in the body are nested more deeply than the server allows.")
    case .badRequest:
      (
        400, "The HTTP request is malformed",
        "The detail names the header that is wrong. If the end of the request is ambiguous, the connection is closed."
      )
    case .unauthorized: (401, "No valid token", "This server asks for a bearer token: Authorization: Bearer …")
    case .forbidden:
      (
        403, "Not allowed to change graphs",
        "Registered graphs can be changed with a token that has the word write behind it in the token file. Without "
          + "tokens, programs of the server's own machine may change them, or everybody with --allow-writes."
      )
    case .readOnly:
      (
        403, "The graph can only be read",
        "The folder of graphs cannot be written, or the graph is a file that is kept there by hand."
      )
    case .originNotAllowed:
      (
        403, "The page's origin is not allowed",
        "The request comes from a web page that may not call this server; nothing was computed. The operator can allow "
          + "the origin in the detail with --cors-origin."
      )
    case .notFound:
      (404, "Nothing is there", "GET /openapi.yaml lists the paths, GET /v1/graphs the graphs; the detail helps.")
    case .methodNotAllowed: (405, "The path takes another method", "The Allow header lists the methods of this path.")
    case .notAcceptable:
      (406, "No acceptable answer type", "The Accept header rules out the types that this path can answer with.")
    case .requestTimeout:
      (408, "The request came too slowly", "The whole request must arrive within the server's time limit.")
    case .preconditionFailed:
      (412, "A precondition does not hold", "A header of the request states a condition that is not met.")
    case .limitExceeded:
      (
        413, "More than this server allows",
        "The member limit is the maximum, value what the request needs. The operator can raise the limit; see "
          + "autograd-server serve --help."
      )
    case .unsupportedMediaType:
      (
        415, "Unsupported body type",
        "Send JSON, under any text or form content type, or application/vnd.safetensors, without a content encoding."
      )
    case .misdirectedRequest:
      (
        421, "Not a name of this server",
        "The server does not answer to the name in the Host header or in the request's target. The detail lists the "
          + "names that it answers to; the operator can add others with --allowed-host."
      )
    case .notImplemented: (501, "Unsupported transfer coding", "Only chunked is understood.")
    case .quotaExceeded:
      (
        429, "More than the token allows",
        "Try again after the time in Retry-After, or ask the operator for a larger quota, which the token file "
          + "sets."
      )
    case .unknownOperation:
      (422, "No such operation", "GET /v1/operations lists all. The detail suggests similar names.")
    case .unknownAttribute:
      (
        422, "No such attribute",
        "The detail lists the operation's attributes; GET /v1/operations/{name} explains them."
      )
    case .invalidAttribute:
      (422, "An attribute with an impossible value", "The detail says what the attribute may be for these operands.")
    case .wrongArity:
      (422, "The wrong number of inputs or outputs", "The detail says how many the operation takes or yields.")
    case .unknownName:
      (
        422, "Undefined name",
        "Names are defined by inputs, constants and outputs of nodes. The detail suggests similar names."
      )
    case .duplicateName:
      (
        422, "Name defined twice",
        "Inputs, constants and outputs of nodes share one namespace; each name is defined once."
      )
    case .cycle:
      (
        422, "The graph has a cycle",
        "The nodes or functions named in the detail form a loop. A graph must not depend on its own results, nor a "
          + "function come to call itself."
      )
    case .shapeMismatch:
      (
        422, "Shapes do not fit",
        "The detail gives both shapes. Broadcasting follows NumPy: aligned at the last axis, size 1 stretches."
      )
    case .dtypeMismatch:
      (
        422, "Dtypes do not fit",
        "Floats mix with floats and integers with integers; anything else needs a cast. A dtype that is given must be "
          + "the one that is expected."
      )
    case .inputMismatch:
      (422, "Inputs do not match their declaration", "Each declared input must be given, and no other.")
    case .indexOutOfRange: (422, "An index is out of range", "The detail gives the index and the size of the axis.")
    case .singularMatrix: (422, "A matrix has no inverse", "The node named in the detail met a singular matrix.")
    case .notPositiveDefinite:
      (422, "A matrix is not positive definite", "The node named in the detail needs a positive definite matrix.")
    case .insufficientStorage:
      (507, "There is no room for the graph", "Nothing was stored. Ask the operator for room, or delete graphs.")
    case .damagedGraph:
      (
        500, "The stored graph is damaged",
        "The bytes of this version are not those that were put. Other versions can be used: NAME@VERSION. Putting the "
          + "graph again makes a new version."
      )
    case .overloaded:
      (503, "Too much work at the moment", "Try again after the time in Retry-After. Every request is safe to repeat.")
    case .shuttingDown: (503, "The server is shutting down", "Try again; another server or the next one will answer.")
    case .deadlineExceeded:
      (
        504, "The computation took too long",
        "The work was stopped at the time limit. Ask for less, or for a longer limit."
      )
    case .internal: (500, "A fault of the server", "Requests cannot cause this. Please report it with the request id.")
    }
  }
}
