import AutogradCore
import AutogradFormats
import AutogradHTTP

/// `GET /problems` and `GET /problems/{code}`: what error codes mean.
enum ProblemsDocument {
  static let list: ByteBuffer = {
    let json = ByteBuffer()
    json.append("{\"problems\": [")
    for (index, code) in ProblemCode.allCases.enumerated() {
      json.append(index > 0 ? ",\n  " : "\n  ")
      append(code, to: json)
    }
    for reason in LimitReason.allCases {
      json.append(",\n  ")
      append(reason, to: json)
    }
    json.append("\n]}\n")
    return json
  }()

  static func response(code text: String) throws(Problem) -> Response {
    let json = ByteBuffer()
    if let code = ProblemCode(rawValue: text) {
      append(code, to: json)
    } else if let reason = LimitReason(rawValue: text) {
      append(reason, to: json)
    } else {
      let near = NearestNames.find(
        text, among: ProblemCode.allCases.map(\.rawValue) + LimitReason.allCases.map(\.rawValue))
      let hint = near.isEmpty ? "/problems lists all" : "did you mean \(near.joined(separator: " or "))?"
      throw Problem(.notFound, "no problem is called \(text.prefix(64)); \(hint)")
    }
    json.append("\n")
    return Response(body: json)
  }

  private static func append(_ code: ProblemCode, to json: ByteBuffer) {
    json.append(
      "{\"code\": \"\(code.rawValue)\", \"type\": \"/problems/\(code.rawValue)\", \"status\": \(code.status), "
        + "\"title\": "
    )
    json.appendJSONString(code.title)
    json.append(", \"explanation\": ")
    json.appendJSONString(code.explanation)
    json.append("}")
  }

  private static func append(_ reason: LimitReason, to json: ByteBuffer) {
    let code = reason.code
    json.append(
      "{\"code\": \"\(reason.rawValue)\", \"type\": \"/problems/\(code.rawValue)\", \"status\": \(code.status), "
        + "\"title\": "
    )
    json.appendJSONString(reason.title)
    json.append(", \"explanation\": ")
    json.appendJSONString("A reason for \(code.rawValue), set by \(reason.option). " + code.explanation)
    json.append("}")
  }
}
