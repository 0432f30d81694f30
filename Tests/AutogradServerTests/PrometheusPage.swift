import AutogradTestSupport
import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradServer

/// A page in Prometheus' text format 0.0.4, read strictly: whatever is not as the format says is a fault.
struct PrometheusPage {
  struct Sample: Equatable {
    var name: String
    var labels: [String: String]
    var value: Double
  }

  struct Family {
    var help: String
    var type = ""
    var samples: [Sample] = []
  }

  struct Fault: Error, CustomStringConvertible {
    let description: String
  }

  private(set) var families: [String: Family] = [:]

  init(_ text: String) throws {
    guard text.hasSuffix("\n") else { throw Fault(description: "no line end at the end") }
    var current = ""
    for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
      if let match = try /# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)/.wholeMatch(in: line) {
        current = String(match.1)
        guard families.updateValue(Family(help: String(match.2)), forKey: current) == nil else {
          throw Fault(description: "\(current) comes twice")
        }
      } else if let match = try /# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)/.wholeMatch(in: line) {
        guard String(match.1) == current, families[current]?.type == "", families[current]?.samples.isEmpty == true
        else {
          throw Fault(description: "out of place: \(line)")
        }
        families[current]?.type = String(match.2)
      } else {
        let sample = try PrometheusPage.sample(line)
        let suffixes = families[current]?.type == "histogram" ? ["_bucket", "_sum", "_count"] : [""]
        guard families[current]?.type != "", suffixes.contains(where: { sample.name == current + $0 }) else {
          throw Fault(description: "not under its family: \(line)")
        }
        families[current]?.samples.append(sample)
      }
    }
    for (name, family) in families { try PrometheusPage.check(name, family) }
  }

  private static func sample(_ line: Substring) throws -> Sample {
    guard let match = try /([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(.*)\})? (\S+)/.wholeMatch(in: line),
      let value = Double(match.4)
    else {
      throw Fault(description: "no sample: \(line)")
    }
    var labels: [String: String] = [:]
    var rest = match.3 ?? ""
    while !rest.isEmpty {
      guard let label = try /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"(,|$)/.prefixMatch(in: rest) else {
        throw Fault(description: "labels: \(line)")
      }
      guard labels.updateValue(String(label.2), forKey: String(label.1)) == nil else {
        throw Fault(description: "a label twice: \(line)")
      }
      rest = rest[label.range.upperBound...]
    }
    return Sample(name: String(match.1), labels: labels, value: value)
  }

  private static func check(_ name: String, _ family: Family) throws {
    guard !family.type.isEmpty, !family.help.isEmpty else { throw Fault(description: "\(name) has no type or no help") }
    let series = family.samples.map { "\($0.name) \($0.labels.sorted { $0.key < $1.key })" }
    guard Set(series).count == series.count else { throw Fault(description: "a series of \(name) comes twice") }
    if family.type == "counter" {
      guard name.hasSuffix("_total"), family.samples.allSatisfy({ $0.value >= 0 }) else {
        throw Fault(description: "no counter: \(name)")
      }
    }
    guard family.type == "histogram" else { return }
    for (labels, samples) in Dictionary(grouping: family.samples, by: { $0.labels.filter { $0.key != "le" } }) {
      let buckets = samples.filter { $0.name == name + "_bucket" }
      let bounds = buckets.compactMap { $0.labels["le"] }.map { $0 == "+Inf" ? Double.infinity : Double($0) ?? .nan }
      let values = buckets.map(\.value)
      let count = samples.filter { $0.name == name + "_count" }.map(\.value)
      let sum = samples.filter { $0.name == name + "_sum" }.map(\.value)
      guard bounds.count == buckets.count, bounds.last == .infinity,
        zip(bounds, bounds.dropFirst()).allSatisfy({ $0 < $1 }),
        zip(values, values.dropFirst()).allSatisfy({ $0 <= $1 }), count == [values.last ?? -1], sum.count == 1,
        sum[0] >= 0
      else { throw Fault(description: "no histogram: \(name) \(labels)") }
    }
  }

  /// What a server shows now.
  init(port: UInt16, headers: String = "") throws {
    // Whoever is asked may be killed over it, and another answers.
    let answer =
      ServerProcess.fetch("/metrics", port: port, headers: headers)
      ?? ServerProcess.fetch("/metrics", port: port, headers: headers)
    guard let response = answer, response.status == 200 else {
      throw Fault(description: "no page: \(answer?.status ?? 0)")
    }
    #expect(response.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8")
    try self.init(response.text)
  }

  /// The sum over all series that have these labels.
  func value(_ name: String, _ labels: [String: String] = [:]) -> Double {
    let family = families[name] ?? families.first { name.hasPrefix($0.key) && $0.value.type == "histogram" }?.value
    let samples = family?.samples.filter { $0.name == name && $0.labels.merging(labels) { $1 } == $0.labels } ?? []
    return samples.reduce(0) { $0 + $1.value }
  }

  /// The counters, and the buckets of histograms, that have fallen since.
  func fallen(since before: PrometheusPage) -> [String] {
    before.families.filter { $0.value.type != "gauge" }.flatMap { name, family in
      family.samples.compactMap { old in
        let new = families[name]?.samples.first { $0.name == old.name && $0.labels == old.labels }
        return (new?.value ?? -1) >= old.value
          ? nil : "\(old.name) \(old.labels): \(old.value), then \(new?.value ?? -1)"
      }
    }
  }
}
