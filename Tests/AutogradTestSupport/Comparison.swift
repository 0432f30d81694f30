import AutogradCore
import Glibc

/// How tensors are compared in tests. Each function describes the first difference, or returns nil where there is none.
package enum Comparison {
  /// Every bit of every number must agree, but for the sign and payload of NaN, which processors choose.
  package static func bits(_ a: [Tensor], _ b: [Tensor]) -> String? {
    compare(a, b) { x, y in
      if same(x, y) { return nil }
      let (p, q) = (x.withUnsafeBytes { Array($0) }, y.withUnsafeBytes { Array($0) })
      let width = x.dtype.byteWidth
      let (u, v) = (x.doubles, y.doubles)
      return u.indices.first {
        !(u[$0].isNaN && v[$0].isNaN) && p[($0 * width)..<(($0 + 1) * width)] != q[($0 * width)..<(($0 + 1) * width)]
      }
    }
  }

  private static func same(_ x: Tensor, _ y: Tensor) -> Bool {
    x.withUnsafeBytes { a in
      y.withUnsafeBytes { b in
        guard let p = a.baseAddress, let q = b.baseAddress else { return a.count == b.count }
        return a.count == b.count && memcmp(p, q, a.count) == 0
      }
    }
  }

  /// Equal as numbers: 0.0 is -0.0, NaN is NaN.
  package static func numbers(_ a: [Tensor], _ b: [Tensor]) -> String? { close(a, b, tolerance: 0) }

  /// |a - b| <= tolerance * max(1, max|b|), per tensor.
  package static func close(_ a: [Tensor], _ b: [Tensor], tolerance: Double) -> String? {
    compare(a, b) { x, y in
      let (u, v) = (x.doubles, y.doubles)
      let allowed = tolerance * v.filter(\.isFinite).map(abs).reduce(1, max)
      return u.indices.first { !(u[$0] == v[$0] || abs(u[$0] - v[$0]) <= allowed || (u[$0].isNaN && v[$0].isNaN)) }
    }
  }

  private static func compare(_ a: [Tensor], _ b: [Tensor], _ firstDifference: (Tensor, Tensor) -> Int?) -> String? {
    guard a.map(\.type) == b.map(\.type) else { return "types \(a.map(\.type)) and \(b.map(\.type))" }
    for (position, (x, y)) in zip(a, b).enumerated() {
      if let index = firstDifference(x, y) {
        return "tensor \(position) (\(x.type)) at element \(index): \(x.doubles[index]) and \(y.doubles[index])"
      }
    }
    return nil
  }
}
