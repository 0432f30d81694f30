import Glibc

/// A growing run of plain values on the C heap, with one owner.
///
/// An Array would do the same with a bounds check, a uniqueness check and a reference count at each access; the parser appends to
/// four of these per byte or so. Indices come from the parser itself, never from a request, and are checked in debug builds.
struct Column<Element: BitwiseCopyable>: ~Copyable {
  private(set) var base: UnsafeMutablePointer<Element>
  private(set) var count = 0
  private var capacity: Int

  /// Without a capacity no memory is taken before the first element.
  init(capacity: Int = 0) {
    self.capacity = capacity
    base = capacity > 0 ? Self.grown(nil, to: capacity) : Self.nowhere
  }

  deinit { if capacity > 0 { free(base) } }

  /// An address that is aligned and never read: malloc(0) would take memory for nothing.
  private static var nowhere: UnsafeMutablePointer<Element> {
    UnsafeMutableRawPointer(bitPattern: MemoryLayout<Element>.alignment).unsafelyUnwrapped.assumingMemoryBound(to: Element.self)
  }

  @inline(__always)
  mutating func append(_ element: Element) {
    if count == capacity { reserve(1) }
    base[count] = element
    count &+= 1
  }

  mutating func append(_ elements: UnsafeBufferPointer<Element>) {
    guard let start = elements.baseAddress else { return }
    reserve(elements.count)
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

  /// Forgets everything from `count` on.
  @inline(__always)
  mutating func truncate(to count: Int) {
    assert(count >= 0 && count <= self.count)
    self.count = count
  }

  /// Makes this column `count` copies of `element`.
  mutating func fill(_ element: Element, count: Int) {
    truncate(to: 0)
    reserve(count)
    base.initialize(repeating: element, count: count)
    self.count = count
  }

  @inline(never)
  private mutating func reserve(_ extra: Int) {
    guard capacity - count < extra else { return }
    let taken = capacity > 0 ? base : nil
    capacity = max(capacity * 2, count + extra, 16)
    base = Self.grown(taken, to: capacity)
  }

  private static func grown(_ base: UnsafeMutablePointer<Element>?, to capacity: Int) -> UnsafeMutablePointer<Element> {
    // Out of memory here is fatal by nature: the size of a body is checked against the limits before it is parsed.
    guard let memory = realloc(base, capacity * MemoryLayout<Element>.stride) else { abort() }
    return memory.assumingMemoryBound(to: Element.self)
  }
}
