/// Saturating arithmetic on sizes, also of things too large to make.
package enum Size {
  private static let largest = 1 << 61

  package static func sum(_ a: Int, _ b: Int) -> Int { min(a + b, largest) }

  package static func product(_ a: Int, _ b: Int) -> Int {
    let (product, isTooLarge) = a.multipliedReportingOverflow(by: b)
    return isTooLarge ? largest : min(product, largest)
  }
}
