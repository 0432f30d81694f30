import Glibc

// What libFuzzer calls with each input. Which part is fuzzed is said by the environment, since the command line is
// libFuzzer's.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  part(UnsafeRawBufferPointer(start: start, count: count))
  return 0
}

private let part: @Sendable (UnsafeRawBufferPointer) -> Void = {
  let name = getenv("FUZZ_PART").map { String(cString: $0) } ?? ""
  guard let part = FuzzParts.all[name] else {
    fatalError("FUZZ_PART is one of \(FuzzParts.all.keys.sorted().joined(separator: ", "))")
  }
  return part
}()
