/// Finds a node equal to a new one: a hash table with open addressing over node numbers. The hash is keyed per process,
/// so that requests cannot cause collisions.
///
/// Columns are passed inout although they are only read: passing a stored property by value would copy the struct and
/// retain each of its arrays, for every node.
struct NodeTable {
  private static let key = UInt64.random(in: 1...UInt64.max) | 1
  private static let empty: NodeID = -1

  private var slots: [NodeID] = Array(repeating: empty, count: 64)
  private var count = 0

  /// The first node equal to `node`, which is `node` itself if there was none before.
  mutating func intern(_ node: NodeID, in columns: inout GraphColumns) -> NodeID {
    if (count + 1) * 2 > slots.count { grow(in: &columns) }
    let mask = slots.count - 1
    var slot = NodeTable.hash(node, in: &columns) & mask
    while slots[slot] != NodeTable.empty {
      if NodeTable.areEqual(slots[slot], node, in: &columns) { return slots[slot] }
      slot = (slot + 1) & mask
    }
    slots[slot] = node
    count += 1
    return node
  }

  /// Removes the node that was interned last. Later entries cannot depend on its slot.
  mutating func removeLast(_ node: NodeID, in columns: inout GraphColumns) {
    let mask = slots.count - 1
    var slot = NodeTable.hash(node, in: &columns) & mask
    while slots[slot] != node { slot = (slot + 1) & mask }
    slots[slot] = NodeTable.empty
    count -= 1
  }

  private mutating func grow(in columns: inout GraphColumns) {
    let old = slots
    slots = Array(repeating: NodeTable.empty, count: old.count * 2)
    let mask = slots.count - 1
    for node in old where node != NodeTable.empty {
      var slot = NodeTable.hash(node, in: &columns) & mask
      while slots[slot] != NodeTable.empty { slot = (slot + 1) & mask }
      slots[slot] = node
    }
  }

  private static func hash(_ node: NodeID, in columns: inout GraphColumns) -> Int {
    var state = mix(
      key, UInt64(columns.opcodes[Int(node)].rawValue) << 32 | UInt64(UInt32(bitPattern: columns.attributes[Int(node)]))
    )
    for index in columns.operandRange(node) { state = mix(state, UInt64(UInt32(bitPattern: columns.operands[index]))) }
    return Int(truncatingIfNeeded: state >> 1)
  }

  private static func mix(_ state: UInt64, _ word: UInt64) -> UInt64 {
    let product = (state ^ word &* 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: key)
    return product.high ^ product.low
  }

  private static func areEqual(_ a: NodeID, _ b: NodeID, in columns: inout GraphColumns) -> Bool {
    guard columns.opcodes[Int(a)] == columns.opcodes[Int(b)], columns.attributes[Int(a)] == columns.attributes[Int(b)]
    else { return false }
    let x = columns.operandRange(a)
    let y = columns.operandRange(b)
    guard x.count == y.count else { return false }
    for (i, j) in zip(x, y) where columns.operands[i] != columns.operands[j] { return false }
    return true
  }
}
