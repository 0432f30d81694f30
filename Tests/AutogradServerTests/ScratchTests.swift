import AutogradCore
import Testing

@testable import AutogradServer

/// Memory that requests leave to each other.
@Suite struct ScratchTests {
  @Test func largeBlocksAreKeptUntilTheyAreGivenBack() {
    let pool = ScratchPool()
    let (small, large) = (pool.take(), pool.take())
    _ = small.block(of: 5000)
    let block = large.block(of: 40 << 20)
    pool.give(small)
    pool.give(large)
    #expect(pool.byteCount == 5000 + (40 << 20))
    let next = pool.take()
    #expect(next.block(of: 39 << 20) == block)
    #expect(pool.byteCount == 5000)
    pool.give(next)
    pool.giveBack()
    #expect(pool.byteCount == 5000)
    #expect(pool.take().blockByteCount == 5000)
    #expect(pool.byteCount == 0)
  }

  @Test func neverMoreIsKeptThanTheBound() {
    let most = 128 << 20
    let pool = ScratchPool(mostBytesKept: most)
    let taken = (0..<40).map { _ in pool.take() }
    for scratch in taken {
      // Nothing touches it, so that no machine has to have it.
      _ = scratch.block(of: 50 << 20)
      pool.give(scratch)
      #expect(pool.byteCount <= most)
    }
    #expect(pool.byteCount == 100 << 20)
    let beyond = RequestScratch()
    _ = beyond.block(of: most + 1)
    pool.give(beyond)
    #expect(pool.byteCount == 100 << 20)
  }

  /// At the sizes around which huge pages are asked for: the whole block is there, and aligned.
  @Test(arguments: [1, 4096, (32 << 20) - 1, 32 << 20, (33 << 20) + 17])
  func blocksAreThereToTheirLastByte(_ byteCount: Int) {
    let scratch = RequestScratch()
    let block = scratch.block(of: byteCount)
    #expect(Int(bitPattern: block) % Storage.alignment == 0)
    block.storeBytes(of: 1, as: UInt8.self)
    block.storeBytes(of: 2, toByteOffset: byteCount - 1, as: UInt8.self)
    #expect(block.load(fromByteOffset: byteCount - 1, as: UInt8.self) == 2)
  }
}
