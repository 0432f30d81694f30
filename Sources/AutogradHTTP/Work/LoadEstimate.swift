/// The ratio of actual times to estimated costs, learnt from recent jobs.
struct LoadEstimate {
  private var time: Double = 1_000_000
  private var cost: Double = 1_000_000
  /// Weight of earlier jobs at each new one.
  private static let memory = 0.9

  mutating func learn(cost: Int64, time: Int64) {
    self.cost = self.cost * LoadEstimate.memory + Double(cost)
    self.time = self.time * LoadEstimate.memory + Double(time)
  }

  private var ratio: Double { min(max(time / cost, 1.0 / 64), 64) }

  // Eleven days at most, so that sums cannot overflow.
  func time(of cost: Int64) -> Int64 { Int64(min(Double(cost) * ratio, 1e15)) }
  func cost(of time: Int64) -> Int64 { Int64(min(Double(time) / ratio, 1e15)) }
}
