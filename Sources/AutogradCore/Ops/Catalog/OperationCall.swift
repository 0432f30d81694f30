/// A call of an operation: promoted operands, and attributes by name.
public struct OperationCall {
  public let builder: GraphBuilder
  public let reference: OperationReference
  public let operands: [Value]
  public let attributes: [String: AttributeValue]
  /// The number of results that the caller expects.
  public let resultCount: Int

  public var x: Value { operands[0] }
  public var y: Value { operands[1] }

  /// The end of an error about the number of results.
  var givenOutputs: String { OperationCall.givenOutputs(resultCount) }

  static func givenOutputs(_ count: Int) -> String { "outputs has \(count) name\(count == 1 ? "" : "s")" }

  // MARK: Attributes

  func invalid(_ attribute: String, _ message: String) -> GraphError {
    GraphError(.invalidAttribute, message, at: .attribute(attribute))
  }

  func isGiven(_ name: String) -> Bool {
    switch attributes[name] {
    case nil, .null?: false
    default: true
    }
  }

  func boolean(_ name: String, default fallback: Bool) -> Bool {
    if case .boolean(let value)? = attributes[name] { value } else { fallback }
  }

  /// A number, integral or not.
  func number(_ name: String) -> Double? {
    switch attributes[name] {
    case .number(let value)?: value
    case .integer(let value)?: Double(value)
    default: nil
    }
  }

  /// A list of numbers; a number counts as a list of one.
  func numbers(_ name: String) -> [Double]? {
    if case .numbers(let list)? = attributes[name] { return list }
    return number(name).map { [$0] } ?? integers(name)?.map(Double.init)
  }

  func text(_ name: String) -> String? {
    if case .text(let value)? = attributes[name] { value } else { nil }
  }

  func integer(_ name: String) -> Int? {
    if case .integer(let value)? = attributes[name] { value } else { nil }
  }

  /// A list of integers without nulls; an integer counts as a list of one.
  func integers(_ name: String) -> [Int]? {
    switch attributes[name] {
    case .integers(let list)?: list.compactMap { $0 }
    case .integer(let value)?: [value]
    default: nil
    }
  }

  func integersOrNulls(_ name: String) -> [Int?]? {
    if case .integers(let list)? = attributes[name] { list } else { nil }
  }

  func integerLists(_ name: String) -> [[Int]]? {
    switch attributes[name] {
    case .integerLists(let lists)?: lists
    // A list without entries has no entries of any kind.
    case .integers(let list)? where list.isEmpty: []
    default: nil
    }
  }

  /// One axis of an operand of the given rank, counted from 0.
  func axis(_ axis: Int, rank: Int, of attribute: String) throws(GraphError) -> Int {
    guard rank > 0 else {
      throw invalid(attribute, "{0} is a scalar and has no axes, got \(attribute) \(axis)")
    }
    guard axis >= -rank && axis < rank else {
      throw invalid(
        attribute,
        "\(attribute) \(axis) is out of range for {0}, which has \(rank == 1 ? "1 axis" : "\(rank) axes") (\(-rank) "
          + "to \(rank - 1))"
      )
    }
    return axis < 0 ? axis + rank : axis
  }

  /// Several different axes.
  func axes(_ axes: [Int], rank: Int, of attribute: String) throws(GraphError) -> [Int] {
    var seen = AxisSet()
    var normalised: [Int] = []
    for given in axes {
      let axis = try axis(given, rank: rank, of: attribute)
      if seen.contains(axis) { throw invalid(attribute, "\(attribute) \(axes) names axis \(axis) twice") }
      seen.insert(axis)
      normalised.append(axis)
    }
    return normalised
  }

  /// The axes a reduction works on: null or absent means all.
  func reducedAxes(rank: Int) throws(GraphError) -> AxisSet {
    guard let given = integers("axis") else { return AxisSet(0..<rank) }
    return AxisSet(try axes(given, rank: rank, of: "axis"))
  }

  /// A shape attribute, where sizes must not be negative.
  func shape(_ name: String) throws(GraphError) -> Shape {
    let sizes = integers(name) ?? []
    if let negative = sizes.first(where: { $0 < 0 }) {
      throw invalid(name, "a size cannot be negative, got \(negative) in \(sizes)")
    }
    do throws(GraphError) {
      return try Shape(checking: sizes)
    } catch {
      throw error.with(place: .attribute(name))
    }
  }
}

/// An operand as it was given: a value of the graph, or a number that takes the dtype of the other operands.
public enum Operand {
  case value(Value)
  case weak(WeakNumber)
}

extension GraphBuilder {
  /// Applies an operation with all checks.
  ///
  /// - Parameters:
  ///   - defaultDType: the dtype of weak numbers if no other operand has a dtype.
  /// - Returns: the results, as many as `resultCount`.
  /// - Throws: `wrong_arity`, `unknown_attribute`, `invalid_attribute`, `dtype_mismatch`, `shape_mismatch`,
  ///   `limit_exceeded`.
  public func apply(
    _ operation: any Operation, _ operands: [Operand], _ attributes: [String: AttributeValue] = [:],
    resultCount: Int = 1,
    defaultDType: DType = .float64
  ) throws(GraphError) -> [Value] {
    // An earlier error must not be reported as one of this operation.
    if let firstError { throw firstError }
    let reference = operation.reference
    do throws(GraphError) {
      try checkArity(reference, operands.count, resultCount)
      try checkAttributes(reference, attributes)
      let values = try promote(operands, reference, defaultDType)
      let call = OperationCall(
        builder: self, reference: reference, operands: values, attributes: attributes, resultCount: resultCount)
      let results = try operation.build(call)
      if let error = takeError() { throw error }
      for result in results { try checkLimits(result.shape) }
      guard results.count == resultCount else {
        throw GraphError(
          .wrongArity, "yields \(results.count) results; \(call.givenOutputs)", at: .results)
      }
      return results
    } catch {
      throw error.with(operation: reference.name, node: label >= 0 ? Int(label) : nil)
    }
  }

  /// The checks that need no types: numbers of operands and results, and attributes.
  package func checkUse(
    of operation: any Operation, operandCount: Int, _ attributes: [String: AttributeValue] = [:], resultCount: Int
  ) throws(GraphError) {
    let reference = operation.reference
    do throws(GraphError) {
      try checkArity(reference, operandCount, resultCount)
      try checkAttributes(reference, attributes)
    } catch {
      throw error.with(operation: reference.name, node: label >= 0 ? Int(label) : nil)
    }
  }

  private func checkArity(_ reference: OperationReference, _ operands: Int, _ results: Int) throws(GraphError) {
    let wanted = reference.operands.count
    let least = reference.minimumOperandCount
    guard operands >= least, operands <= wanted || reference.hasManyOperands else {
      if reference.hasManyOperands {
        throw GraphError(
          .wrongArity, "takes at least \(least) input\(least == 1 ? "" : "s"), got \(operands)", at: .operands)
      }
      let count = least == wanted ? "\(wanted)" : "\(least) or \(wanted)"
      let names = reference.operands.joined(separator: ", ")
      let attributes = operands > wanted ? reference.attributes.map(\.name).joined(separator: ", ") : ""
      let elementwise = ["max": "maximum", "min": "minimum"][reference.name].map { "; \($0) takes two" }
      let advice = elementwise ?? (attributes.isEmpty ? "" : "; \(attributes) is given in attributes")
      throw GraphError(
        .wrongArity, "takes \(count) input\(wanted == 1 ? "" : "s") (\(names)), got \(operands)\(advice)", at: .operands
      )
    }
    guard reference.hasManyResults ? results >= 1 : results == reference.results.count else {
      let count = reference.results.count
      let expected = reference.hasManyResults ? "at least 1 output" : "\(count) output\(count == 1 ? "" : "s")"
      let names = reference.hasManyResults ? "" : " (\(reference.results.joined(separator: ", ")))"
      throw GraphError(
        .wrongArity, "yields \(expected)\(names); \(OperationCall.givenOutputs(results))", at: .results)
    }
  }

  private func checkAttributes(_ reference: OperationReference, _ attributes: [String: AttributeValue])
    throws(GraphError)
  {
    if attributes.isEmpty && reference.attributes.isEmpty { return }
    for name in attributes.keys.sorted() where !reference.attributes.contains(where: { $0.name == name }) {
      let known = reference.attributes.map(\.name)
      let list = known.isEmpty ? "it takes none" : "it takes " + known.joined(separator: ", ")
      let advice = LookedForAttributes.advice(for: name, of: reference).map { "; \($0)" } ?? ""
      throw GraphError(.unknownAttribute, "has no attribute \(name); \(list)\(advice)", at: .attribute(name))
    }
    for attribute in reference.attributes {
      switch attributes[attribute.name] {
      case nil:
        if attribute.isRequired {
          throw GraphError(.invalidAttribute, "needs the attribute \(attribute.name): \(attribute.summary)", at: .node)
        }
      case let value?:
        if let got = attribute.refusal(of: value) {
          let orNull = attribute.acceptsNull ? " or null" : ""
          throw GraphError(
            .invalidAttribute,
            "\(attribute.name) is \(attribute.kind.described)\(orNull), got \(got): \(attribute.summary)",
            at: .attribute(attribute.name))
        }
      }
    }
  }

  /// Promotes the operands that share a dtype, and checks the dtypes of the others.
  private func promote(_ operands: [Operand], _ reference: OperationReference, _ fallback: DType) throws(GraphError)
    -> [Value]
  {
    let common = try commonDType(operands, reference) ?? (reference.dtypes == .boolean ? .bool : fallback)
    var values: [Value] = []
    values.reserveCapacity(operands.count)
    for (index, operand) in operands.enumerated() {
      do throws(GraphError) {
        switch reference.kind(of: index) {
        case .promoted: values.append(try promoted(operand, to: common))
        case .condition:
          let rule = (is: "a condition is bool", mend: "compare it with something, or cast it to bool first")
          values.append(try checked(operand, .bool, rule, allows: { $0 == .bool }))
        case .asItIs: values.append(try checked(operand, fallback, ("", ""), allows: { _ in true }))
        case .index:
          let rule = (is: "indices are integers", mend: "give it as int64, or cast it first")
          values.append(try checked(operand, .int64, rule, allows: \.isInteger))
        }
      } catch {
        throw error.with(place: .operand(index))
      }
    }
    guard reference.dtypes.admits(common) || !operands.indices.contains(where: { reference.kind(of: $0) == .promoted })
    else {
      let hint =
        switch reference.dtypes {
        case .floating: "cast to float64 or float32 first"
        case .boolean: "compare it with something first, or cast to bool"
        default: "cast to a number first"
        }
      // A number has taken its dtype from another operand, so the error names that operand.
      let promoted = operands.indices.filter { reference.kind(of: $0) == .promoted }
      let operand = promoted.first { if case .value = operands[$0] { true } else { false } } ?? promoted.first ?? 0
      throw GraphError(
        .dtypeMismatch, "works on \(reference.dtypes.rawValue) values, {\(operand)} is \(common); \(hint)",
        at: .operand(operand))
    }
    return values
  }

  private func promoted(_ operand: Operand, to common: DType) throws(GraphError) -> Value {
    switch operand {
    case .value(let value): value.isValid && value.dtype != common ? emit(.cast, value, .dtype(common)) : value
    case .weak(let number): constant(try number.scalar(as: common))
    }
  }

  private func checked(
    _ operand: Operand, _ weakDType: DType, _ rule: (is: String, mend: String), allows: (DType) -> Bool
  ) throws(GraphError) -> Value {
    switch operand {
    case .weak(let number): return constant(try number.scalar(as: weakDType))
    case .value(let value):
      guard !value.isValid || allows(value.dtype) else {
        throw GraphError(.dtypeMismatch, "\(rule.is), got \(value.dtype); \(rule.mend)")
      }
      return value
    }
  }

  /// The common dtype of the operands that have one; nil if none has.
  /// - Throws: `dtype_mismatch` if they do not mix.
  private func commonDType(_ operands: [Operand], _ reference: OperationReference) throws(GraphError) -> DType? {
    var common: (dtype: DType, operand: Int)?
    for (index, operand) in operands.enumerated() where reference.kind(of: index) == .promoted {
      guard case .value(let value) = operand else { continue }
      guard let sofar = common else {
        common = (value.dtype, index)
        continue
      }
      guard let both = DType.promoted(sofar.dtype, value.dtype) else {
        let castee = value.dtype.isFloating ? sofar.operand : index
        throw GraphError(
          .dtypeMismatch,
          "{\(sofar.operand)} is \(sofar.dtype) and {\(index)} is \(value.dtype); cast {\(castee)}",
          at: .operand(index))
      }
      common = (both, index)
    }
    return common?.dtype
  }
}

extension AttributeReference {
  /// A description of a value of the wrong kind; nil if the kind is right.
  fileprivate func refusal(of value: AttributeValue) -> String? {
    if case .null = value { return acceptsNull ? nil : "null" }
    return kind.accepts(value) ? nil : value.described
  }
}

extension AttributeReference.Kind {
  fileprivate func accepts(_ value: AttributeValue) -> Bool {
    switch value {
    case .null, .other: false
    case .boolean: self == .boolean || self == .scalar
    case .integer:
      [.integer, .integerOrList, .integerOrLists, .number, .scalar, .numberOrText, .numberOrList].contains(self)
    case .number: [.number, .scalar, .numberOrText, .numberOrList].contains(self)
    case .text: [.text, .dtype, .numberOrText].contains(self)
    case .tensor: self == .tensor
    case .integerLists: self == .integerLists || self == .integerOrLists
    case .numbers: self == .numberOrList
    case .integers(let list):
      self == .integersOrNulls
        || ([.integers, .integerOrList, .numberOrList].contains(self) && !list.contains { $0 == nil })
        || (self == .integerLists && list.isEmpty)
    }
  }
}

extension AttributeValue {
  fileprivate var described: String {
    switch self {
    case .null: "null"
    case .boolean(let flag): "\(flag)"
    case .integer(let integer): "\(integer)"
    case .number(let number): "\(number)"
    case .text(let text): "the text \"\(text)\""
    case .integers(let list): list.contains { $0 == nil } ? "a list holding null" : "a list of integers"
    case .integerLists: "a list of lists"
    case .numbers: "a list of numbers"
    case .tensor: "a tensor"
    case .other(let description): description
    }
  }
}
