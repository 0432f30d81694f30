import AutogradCore
import Testing

@testable import AutogradServer

/// Memory that requests leave to each other.
@Suite struct RunMemoryTests {
  @Test func largeBlocksAreKeptUntilTheyAreGivenBack() {
    let pool = RunMemoryPool()
    let block: UnsafeMutableRawPointer
    do {
      let small = pool.lease()
      let large = pool.lease()
      _ = small.block(of: 5000)
      block = large.block(of: 40 << 20)
      #expect(pool.byteCount == 0, "neither is back")
      end(small)
    }
    #expect(pool.byteCount == 5000 + (40 << 20))
    do {
      let next = pool.lease()
      #expect(next.block(of: 39 << 20) == block)
      #expect(pool.byteCount == 5000)
    }
    pool.giveBack()
    #expect(pool.byteCount == 5000)
    let last = pool.lease()
    #expect(pool.byteCount == 0)
    end(last)
  }

  private func end(_ lease: consuming RunMemory.Lease) {}

  @Test func anErrorGivesItBack() {
    func run(_ pool: RunMemoryPool) throws {
      let lease = pool.lease()
      _ = lease.block(of: 5000)
      throw CancellationError()
    }
    let pool = RunMemoryPool()
    #expect(throws: CancellationError.self) { try run(pool) }
    #expect(pool.byteCount == 5000)
  }

  @Test func neverMoreIsKeptThanTheBound() {
    let most = 128 << 20
    let pool = RunMemoryPool(mostBytesKept: most)
    lease(40, pool, most)
    #expect(pool.byteCount == 100 << 20)
  }

  /// So many leases at a time. Nothing touches the blocks, so that no machine has to have them.
  private func lease(_ count: Int, _ pool: RunMemoryPool, _ most: Int) {
    let lease = pool.lease()
    _ = lease.block(of: count == 1 ? most + 1 : 50 << 20)
    if count > 1 { self.lease(count - 1, pool, most) }
    #expect(pool.byteCount <= most)
  }

  /// At the sizes around which huge pages are asked for: the whole block is there, and aligned.
  @Test(arguments: [1, 4096, (32 << 20) - 1, 32 << 20, (33 << 20) + 17])
  func blocksAreThereToTheirLastByte(_ byteCount: Int) {
    let memory = RunMemory()
    let block = memory.block(of: byteCount)
    #expect(Int(bitPattern: block) % Storage.alignment == 0)
    block.storeBytes(of: 1, as: UInt8.self)
    block.storeBytes(of: 2, toByteOffset: byteCount - 1, as: UInt8.self)
    #expect(block.load(fromByteOffset: byteCount - 1, as: UInt8.self) == 2)
  }
}
