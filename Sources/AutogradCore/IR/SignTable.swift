/// Which derivatives of |x| (`signed` nodes) and which |x| each value of a builder depends on, as sets of 64 bits: with
/// more than 64 of a kind two may share a bit. It is filled in one pass over the nodes, as far as needed.
struct SignTable {
  private(set) var signs: [(operand: ValueID, result: ValueID)] = []
  private var signBits: [UInt64] = []
  private var sizeBits: [UInt64] = []
  /// The bit of each |x|, by x.
  private var sizes: [ValueID: UInt64] = [:]
  private var walkedNodes: NodeID = 0
  /// Number of nodes visited to find out how values are related.
  var steps = 0
  /// The tangents of operands along two directions of the inputs. Stored as ids, because values would keep their
  /// builder alive.
  var tangents: [ValueID: [ValueID]] = [:]

  mutating func extend(_ columns: borrowing GraphColumns) {
    signBits.reserveCapacity(columns.valueCount)
    sizeBits.reserveCapacity(columns.valueCount)
    while Int(walkedNodes) < columns.nodeCount {
      let node = walkedNodes
      walkedNodes += 1
      var (signsWithin, sizesWithin): (UInt64, UInt64) = (0, 0)
      for index in columns.operandRange(node) {
        signsWithin |= signBits[Int(columns.operands[index])]
        sizesWithin |= sizeBits[Int(columns.operands[index])]
      }
      switch columns.opcodes[Int(node)] {
      case .signed:
        signsWithin |= 1 << UInt64(signs.count % 64)
        signs.append((columns.operand(node, 1), ValueID(columns.firstResult[Int(node)])))
      case .abs:
        let bit: UInt64 = 1 << UInt64(sizes.count % 64)
        sizes[columns.operand(node, 0)] = bit
        sizesWithin |= bit
      default: break
      }
      for _ in columns.resultRange(node) {
        signBits.append(signsWithin)
        sizeBits.append(sizesWithin)
      }
    }
  }

  /// The signs that a value may depend on.
  func within(_ value: ValueID) -> [(operand: ValueID, result: ValueID)] {
    let bits = signBits[Int(value)]
    if bits == 0 { return [] }
    return signs.enumerated().filter { bits >> UInt64($0.offset % 64) & 1 == 1 }.map(\.element)
  }

  /// Whether one of two operands may be computed from the size of the other: |x - |x||.
  func areNested(_ x: ValueID, _ y: ValueID) -> Bool {
    (sizes[x] ?? 0) & sizeBits[Int(y)] != 0 || (sizes[y] ?? 0) & sizeBits[Int(x)] != 0
  }
}
