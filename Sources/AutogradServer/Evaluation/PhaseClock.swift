import AutogradHTTP

/// Measures the phases of a request, for `Server-Timing`.
struct PhaseClock {
  private static let most = 6
  private var phases = InlineArray<6, Phase>(repeating: .read)
  private var durations = InlineArray<6, Int64>(repeating: 0)
  private var count = 0
  private var last = monotonicNanoseconds()

  /// Call it when the phase ends.
  mutating func mark(_ phase: Phase) {
    guard count < PhaseClock.most else { return }
    let now = monotonicNanoseconds()
    phases[count] = phase
    durations[count] = now - last
    count += 1
    last = now
  }

  /// The measured times by phase, for the metrics.
  var totals: PhaseDurations {
    var totals = PhaseDurations()
    for index in 0..<count { totals.add(durations[index], to: phases[index]) }
    return totals
  }

  /// `read;dur=0.012, plan;dur=0.034, …, cache;desc=miss`, in milliseconds: at most 6 phases of 6 letters and 16
  /// digits.
  func header(cache: StaticString) -> String {
    String(unsafeUninitializedCapacity: 256) { buffer in
      guard let start = buffer.baseAddress else { return 0 }
      var end = start
      func append(_ text: StaticString) {
        end.update(from: text.utf8Start, count: text.utf8CodeUnitCount)
        end += text.utf8CodeUnitCount
      }
      for phase in 0..<count {
        append(phases[phase].name)
        append(";dur=")
        let microseconds = UInt64(clamping: durations[phase] / 1000)
        end += PhaseClock.write(microseconds / 1000, digits: 1, to: end)
        append(".")
        end += PhaseClock.write(microseconds % 1000, digits: 3, to: end)
        append(", ")
      }
      append("cache;desc=")
      append(cache)
      return end - start
    }
  }

  /// Writes at least `digits` decimal digits.
  private static func write(_ value: UInt64, digits: Int, to start: UnsafeMutablePointer<UInt8>) -> Int {
    var count = digits
    var bound: UInt64 = 10
    for _ in 1..<digits { bound *= 10 }
    while value >= bound && count < 19 {
      bound *= 10
      count += 1
    }
    var rest = value
    for place in stride(from: count - 1, through: 0, by: -1) {
      start[place] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
    }
    return count
  }
}
