import AutogradCore
import AutogradFormats
import AutogradHTTP

/// A request that is written into an address, `?graph=…&x=[1,2,3]`, as the JSON body that says the same. So it is read,
/// checked and answered like a body.
///
/// Parameters that are no members of a request are inputs. Members whose values are texts, lists of names, or `true`
/// and `false` need no JSON: `encoding=values`, `wrt=x,w`.
struct QueryRequest: Sendable {
  let body: ByteBuffer
  /// The part of the answer that is asked for, as a pointer.
  let select: String?

  /// - Parameters:
  ///   - formula: the graph, where it is the body; nil where it is a parameter.
  ///   - members: the members that the request may have, by name.
  /// - Throws: a problem with the parameter's place in the body.
  init(
    _ query: Query, _ formula: UnsafeRawBufferPointer?, _ members: [String: RequestMember], _ limits: Limits
  ) throws(FormatError) {
    switch query.fault {
    case .escape(let name):
      throw FormatError(
        .wrongType, "a percent sign begins an escape of two hexadecimal digits; for the sign itself write %25",
        at: Pointer.member(name))
    case .encoding(let name): throw FormatError(.wrongType, "the parameter is not UTF-8", at: Pointer.member(name))
    case nil: break
    }
    var writer = RequestWriter(limits, .address)
    var select: String?
    if let formula {
      // In JSON it would be something else.
      if let offset = UTF8Sequence.firstFault(formula) {
        throw FormatError(
          .invalidFormula, "the text is not UTF-8 here; send it as UTF-8, not Latin-1 or UTF-16", at: "/graph",
          place: TextPlace(offset, in: formula))
      }
      writer.append(formula: formula)
    }
    for (name, value) in query.parameters {
      if name == "select" {
        if select != nil { throw FormatError(.duplicateKey, "select is given twice", at: "/select") }
        select = value
      } else if let member = members[name] {
        try writer.append(member, value)
      } else {
        try writer.appendInput(name, value)
      }
    }
    body = writer.body(isSelected: select != nil)
    self.select = select
  }
}
