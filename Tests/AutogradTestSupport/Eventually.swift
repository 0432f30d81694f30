import Glibc

/// Whether the condition comes true within the time, in seconds.
package func eventually(within seconds: Double = 10, _ condition: () -> Bool) -> Bool {
  func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
  let end = now() + seconds
  while !condition() {
    if now() > end { return false }
    usleep(1000)
  }
  return true
}
