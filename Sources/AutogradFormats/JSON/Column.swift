import Glibc

/// A growing array of plain values on the C heap, with one owner.
///
/// An Array would do the same with a bounds check, a uniqueness check and a reference count at each access; the parser
/// appends to four of these per byte or so. Indices come from the parser itself, never from a request, and are checked
/// in debug builds.
///
/// Columns share an allowance of bytes, which is checked only when one of them grows.
struct Column<Element: BitwiseCopyable>: ~Copyable {
  private(set) var base: UnsafeMutablePointer<Element>
  private(set) var count = 0
  private(set) var capacity: Int

  /// Without a capacity nothing is allocated before the first element.
  init(capacity: Int = 0) {
    self.capacity = capacity
    base = capacity > 0 ? Self.grown(nil, to: capacity) : Self.nowhere
  }

  deinit { if capacity > 0 { free(base) } }

  /// An aligned address that is never read; malloc(0) would waste memory.
  private static var nowhere: UnsafeMutablePointer<Element> {
    UnsafeMutableRawPointer(bitPattern: MemoryLayout<Element>.alignment).unsafelyUnwrapped.assumingMemoryBound(
      to: Element.self)
  }

  @inline(__always)
  mutating func append(_ element: Element, _ allowance: inout MemoryAllowance) throws(JSONSyntaxError) {
    if count == capacity { try reserve(1, &allowance) }
    base[count] = element
    count &+= 1
  }

  mutating func append(_ elements: UnsafeBufferPointer<Element>, _ allowance: inout MemoryAllowance)
    throws(JSONSyntaxError)
  {
    guard let start = elements.baseAddress else { return }
    try reserve(elements.count, &allowance)
    (base + count).initialize(from: start, count: elements.count)
    count += elements.count
  }

  @inline(__always)
  subscript(_ index: Int) -> Element {
    get {
      assert(index >= 0 && index < count)
      return base[index]
    }
    set {
      assert(index >= 0 && index < count)
      base[index] = newValue
    }
  }

  /// Removes all elements from `count` on.
  @inline(__always)
  mutating func truncate(to count: Int) {
    assert(count >= 0 && count <= self.count)
    self.count = count
  }

  /// Makes this column `count` copies of `element`.
  mutating func fill(_ element: Element, count: Int, _ allowance: inout MemoryAllowance) throws(JSONSyntaxError) {
    truncate(to: 0)
    try reserve(count, &allowance)
    base.initialize(repeating: element, count: count)
    self.count = count
  }

  @inline(never)
  private mutating func reserve(_ extra: Int, _ allowance: inout MemoryAllowance) throws(JSONSyntaxError) {
    guard capacity - count < extra else { return }
    let taken = capacity > 0 ? base : nil
    let stride = MemoryLayout<Element>.stride
    // Twice as much, or half of what is left for all.
    let grown = max(min(max(capacity * 2, 16), capacity + allowance.left / 2 / stride), count + extra)
    try allowance.take((grown - capacity) * stride)
    capacity = grown
    base = Self.grown(taken, to: capacity)
  }

  private static func grown(_ base: UnsafeMutablePointer<Element>?, to capacity: Int) -> UnsafeMutablePointer<Element> {
    // Running out of memory here is fatal: the total of all columns is within the limits.
    guard let memory = realloc(base, capacity * MemoryLayout<Element>.stride) else { abort() }
    return memory.assumingMemoryBound(to: Element.self)
  }
}

/// Bytes that the columns of a parser may grow by together.
struct MemoryAllowance {
  let most: Int
  private(set) var left: Int

  init(_ most: Int) {
    self.most = most
    left = most
  }

  mutating func take(_ bytes: Int) throws(JSONSyntaxError) {
    guard bytes <= left else { throw .tooMuchMemory(most) }
    left -= bytes
  }
}
