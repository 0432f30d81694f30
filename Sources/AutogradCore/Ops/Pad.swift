struct PadOperation: Operation {
  let reference = OperationReference(
    name: "pad",
    summary: "A border of one value around a tensor.",
    formula: "y[i] = x[i - before] inside, value outside", operands: ["x"],
    attributes: [
      AttributeReference("widths", .integerLists, "[before, after] for each axis, none negative"),
      AttributeReference("value", .scalar, default: "0", "what the border is filled with"),
    ],
    dtypes: .any,
    shapeRule: "before + size + after along each axis", derivative: "x: the inner part of ct",
    conventions: [
      "value may be \"NaN\", \"Infinity\" or \"-Infinity\"; it never mixes with the elements",
      "for integers value has no fraction; for bool any number but 0 is true; true and false are the numbers 1 and 0",
    ],
    otherNames: ["constant_pad", "zero_pad", "zeropad", "padding"],
    samples: [
      OperationSample([[3]], ["widths": .integerLists([[1, 2]])]),
      OperationSample([[2, 3]], ["widths": .integerLists([[1, 0], [2, 1]]), "value": .integer(7)]),
      OperationSample([[2, 2]], ["widths": .integerLists([[0, 0], [0, 1]]), "value": .boolean(true)]),
      OperationSample([[]], ["widths": .integerLists([])]),
      OperationSample([[0, 2]], ["widths": .integerLists([[1, 1], [0, 0]])]),
    ])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let shape = call.x.shape
    let widths = try widths(call)
    let fill = try fill(call)
    do throws(GraphError) {
      _ = try Shape(
        checking: (0..<shape.rank).map { axis in
          // The widths are at most what an Int holds, so that two additions show every overflow.
          let (first, overflow) = shape[axis].addingReportingOverflow(widths[axis].before)
          let (size, overflows) = first.addingReportingOverflow(widths[axis].after)
          return overflow || overflows ? Int.max : size
        })
    } catch {
      throw error.with(place: .attribute("widths"))
    }
    return [fill.bits == Scalar(0, as: fill.dtype).bits ? zeroPadded(call.x, widths) : padded(call.x, widths, fill)]
  }

  private func widths(_ call: OperationCall) throws(GraphError) -> [(before: Int, after: Int)] {
    let rank = call.x.shape.rank
    let given = call.integerLists("widths") ?? []
    guard given.count == rank else {
      throw call.invalid(
        "widths", "widths has \(given.count) entries, {0} has \(rank == 1 ? "1 axis" : "\(rank) axes")")
    }
    var widths: [(before: Int, after: Int)] = []
    for entry in given {
      guard entry.count == 2 else {
        throw call.invalid("widths", "an entry of widths is [before, after], got \(entry)")
      }
      guard entry[0] >= 0, entry[1] >= 0 else {
        throw call.invalid("widths", "a width cannot be negative, got \(entry); slice cuts")
      }
      widths.append((entry[0], entry[1]))
    }
    return widths
  }

  private func fill(_ call: OperationCall) throws(GraphError) -> Scalar {
    let number: WeakNumber
    switch call.attributes["value"] {
    case .boolean(let flag)?: number = WeakNumber(flag ? 1 : 0)
    case .integer(let integer)?:
      number = WeakNumber(double: Double(integer), float: Float(integer), integer: Int64(integer))
    case .number(let value)?: number = WeakNumber(value)
    default: number = WeakNumber(0)
    }
    let dtype = call.x.dtype
    if dtype == .bool { return Scalar(number.double != 0) }
    do throws(GraphError) {
      return try number.scalar(as: dtype)
    } catch {
      throw error.with(place: .attribute("value"))
    }
  }

  private func zeroPadded(_ x: Value, _ widths: [(before: Int, after: Int)]) -> Value {
    var window = Window(whole: x.shape)
    for (axis, width) in widths.enumerated() {
      window.whole[axis] += width.before + width.after
      // A window of nothing starts anywhere.
      window.starts[axis] = x.shape[axis] > 0 ? width.before : 0
    }
    return window.whole == x.shape ? x : x.builder.emit(.unslice, x, .window(window))
  }

  /// Axis by axis between stretched scalars: no arithmetic touches the value or the elements.
  private func padded(_ x: Value, _ widths: [(before: Int, after: Int)], _ fill: Scalar) -> Value {
    let border = x.builder.constant(fill)
    var result = x
    for (axis, width) in widths.enumerated() where width.before > 0 || width.after > 0 {
      guard result.isValid else { return result }
      var shape = result.shape
      var parts = [result]
      if width.before > 0 {
        shape[axis] = width.before
        parts.insert(x.builder.broadcast(border, to: shape), at: 0)
      }
      if width.after > 0 {
        shape[axis] = width.after
        parts.append(x.builder.broadcast(border, to: shape))
      }
      result = x.builder.concat(parts, axis: axis)
    }
    return result
  }
}
