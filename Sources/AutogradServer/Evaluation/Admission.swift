import AutogradCore
import AutogradFormats

/// Whether a plan is within the limits.
enum Admission {
  /// Checks tensor sizes that the builder did not check.
  static func check(_ shapes: [Shape], _ limits: Limits) throws(FormatError) {
    guard let largest = shapes.max(by: { $0.elementCount < $1.elementCount }), largest.elementCount > limits.elements
    else { return }
    throw FormatError(
      .elements, "a tensor of shape \(largest) has more than \(limits.elements) elements", at: "/graph",
      most: limits.elements,
      value: largest.elementCount)
  }

  /// - Parameters:
  ///   - answers: whether the plan's results are written into an answer.
  ///   - advice: how to need less memory, as the end of a sentence.
  static func check(_ plan: Plan, _ limits: Limits, answers: Bool = true, advice: String = "") throws(FormatError) {
    func refuse(_ reason: FormatError.Limit, _ what: String, _ limit: Int, _ value: Int) -> FormatError {
      FormatError(
        reason, "the graph \(what), at most \(limit) are allowed\(reason == .planMemory ? advice : "")", at: "/graph",
        most: limit,
        value: value)
    }
    if plan.peakByteCount > limits.planBytes {
      throw refuse(.planMemory, "needs \(plan.peakByteCount) bytes of memory", limits.planBytes, plan.peakByteCount)
    }
    if plan.work > limits.planWork {
      throw refuse(.planWork, "takes \(plan.work) elementary operations", limits.planWork, plan.work)
    }
    if answers && plan.outputs.count > limits.outputs {
      throw refuse(.outputs, "yields \(plan.outputs.count) tensors to answer with", limits.outputs, plan.outputs.count)
    }
    let elements = plan.outputTypes.reduce(0) { Size.sum($0, $1.shape.textualElementCount) }
    if answers && elements > limits.answerElements {
      throw refuse(.answer, "yields \(elements) numbers to answer with", limits.answerElements, elements)
    }
  }
}

extension Shape {
  /// How many numbers or empty lists nested text of this shape holds.
  fileprivate var textualElementCount: Int {
    var count = 1
    for axis in 0..<rank where self[axis] > 0 { count *= self[axis] }
    return count
  }
}

/// A fingerprint of a graph's text, the same on every server, to tell graphs apart in logs. Not for security.
enum GraphDigest {
  static func text(_ bytes: UnsafeRawBufferPointer) -> String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ UInt64(bytes.count)
    var offset = 0
    while bytes.count - offset >= 8 {
      hash = fold(hash ^ bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self).littleEndian)
      offset += 8
    }
    while offset < bytes.count {
      hash = fold(hash ^ UInt64(bytes[offset]))
      offset += 1
    }
    return String(unsafeUninitializedCapacity: 16) { digits in
      for place in 0..<16 {
        let digit = UInt8(truncatingIfNeeded: hash >> UInt64(60 - 4 * place) & 15)
        digits[place] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit
      }
      return 16
    }
  }

  private static func fold(_ word: UInt64) -> UInt64 {
    let product = word.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    return product.high ^ product.low
  }
}
