import AutogradCore
import Foundation
import Testing

/// The code of the article `Tutorial.md`, block by block as it stands there. It is compiled and run here; what it
/// prints is compared with the comments beside it.
@Suite final class TutorialTests {
  private var printed: [String] = []

  /// What the article's code calls.
  private func print(_ value: Any) { printed.append("\(value)") }

  private func add() throws {
    let builder = GraphBuilder()
    let x = builder.variable([[1, 2, 3], [4, 5, 6]])
    let y = builder.variable([[10, 20, 30], [40, 50, 60]])
    let z = x + y
    print(try z.evaluate())  // [[11.0, 22.0, 33.0], [44.0, 55.0, 66.0]]

    let gradients = try z.backward()
    print(gradients[x])  // [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]

    let row = builder.variable([100, 200, 300])
    let stretched = x + row * 2
    print(try stretched.evaluate())  // [[201.0, 402.0, 603.0], [204.0, 405.0, 606.0]]
    print(try stretched.backward()[row])  // [4.0, 4.0, 4.0]
  }

  private func reshape() throws {
    let builder = GraphBuilder()
    let x = builder.variable([[1, 2, 3], [4, 5, 6]])
    let y = x.reshape(6)
    print(try y.evaluate())  // [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    print(try y.backward([10, 20, 30, 40, 50, 60])[x])  // [[10.0, 20.0, 30.0], [40.0, 50.0, 60.0]]
    print(try x.reshape(3, -1).evaluate())  // [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
  }

  private func transpose() throws {
    let builder = GraphBuilder()
    let x = builder.variable([[1, 2, 3], [4, 5, 6]])
    let y = x.transpose()
    print(try y.evaluate())  // [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]
    print(try y.backward([[1, 2], [3, 4], [5, 6]])[x])  // [[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]
  }

  private func sum() throws {
    let builder = GraphBuilder()
    let x = builder.variable([[1, 2, 3], [4, 5, 6]])
    print(try x.sum().evaluate())  // 21.0
    print(try x.sum().backward()[x])  // [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    let rows = x.sum(axis: 1)
    print(try rows.evaluate())  // [6.0, 15.0]
    print(try rows.backward([1, 10])[x])  // [[1.0, 1.0, 1.0], [10.0, 10.0, 10.0]]
  }

  private func matmul() throws {
    let builder = GraphBuilder()
    let x = builder.variable([[1, 2, 3], [4, 5, 6]])
    let w = builder.variable([[1, 0, 0, 2], [0, 1, 0, 2], [0, 0, 1, 2]])
    let z = x.matmul(w)
    print(try z.evaluate())  // [[1.0, 2.0, 3.0, 12.0], [4.0, 5.0, 6.0, 30.0]]
    let gradients = try z.backward([[1, 0, 0, 0], [0, 0, 0, 1]])
    print(gradients[x])  // [[1.0, 0.0, 0.0], [2.0, 2.0, 2.0]]
    print(gradients[w])  // [[1.0, 0.0, 0.0, 4.0], [2.0, 0.0, 0.0, 5.0], [3.0, 0.0, 0.0, 6.0]]
  }

  private func separate() throws {
    let builder = GraphBuilder()
    let x = builder.variable([[1, 2, 3], [4, 5, 6]])
    let parts = x.split(into: 2)
    print(try parts[0].evaluate())  // [[1.0, 2.0, 3.0]]
    print(try parts[1].evaluate())  // [[4.0, 5.0, 6.0]]
    let w = parts[0] + parts[1]
    print(try w.evaluate())  // [[5.0, 7.0, 9.0]]
    print(try w.backward()[x])  // [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]

    print(try (parts[1] * 2).backward()[x])  // [[0.0, 0.0, 0.0], [2.0, 2.0, 2.0]]
  }

  private func ownOperation() throws {
    struct Exponential: CustomOperation {
      let name = "exp"

      func forward(_ x: [Tensor]) -> [Tensor] {
        [x[0].map { exp($0) }]
      }

      func backward(_ x: [Value], _ y: [Value], _ ct: [Value?]) -> [Value?] {
        [ct[0].map { $0 * y[0] }]
      }
    }

    let builder = GraphBuilder()
    let exponential = Exponential()
    let x = builder.variable([0, 1])
    let y = exponential(x * 2)
    print(try y.evaluate())  // [1.0, 7.38905609893065]
    print(try y.backward()[x])  // [2.0, 14.7781121978613]
  }

  private func derivativesOfDerivatives() throws {
    let builder = GraphBuilder()
    let x = builder.variable([1, 2, 3])
    let y = x * x * x
    let slope = y.gradient(withRespectTo: x)
    let curvature = slope.gradient(withRespectTo: x)
    print(try slope.evaluate())  // [3.0, 12.0, 27.0]
    print(try curvature.evaluate())  // [6.0, 12.0, 18.0]

    let guess = builder.variable(1.5)
    let error = guess * guess - 2
    let next = guess - error / error.gradient(withRespectTo: guess)
    print(try next.evaluate())  // 1.4166666666666667
  }

  private func onceForAll() throws -> Graph {
    let builder = GraphBuilder()
    let x = builder.input("x", .float64, [3])
    let w = builder.input("w", .float64, [3])
    let graph = try builder.graph(outputs: [(x * w).sum()])
    let plan = try Plan(vjp(graph))
    for results in [try plan.run([[1, 2, 3], [4, 5, 6], 1]), try plan.run([[1, 1, 1], [7, 8, 9], 10])] {
      print(results)  // [32.0, [4.0, 5.0, 6.0], [1.0, 2.0, 3.0]]; [24.0, [70.0, 80.0, 90.0], [10.0, 10.0, 10.0]]
    }
    return graph
  }

  /// The code of the landing page.
  private func overview() throws {
    let builder = GraphBuilder()
    let x = builder.variable([[1, 2, 3], [4, 5, 6]])
    let w = builder.variable([0.5, -1, 2])
    let loss = (x.matmul(w) - 1).sum()
    print(try loss.evaluate())  // 11.5
    print(try loss.backward()[w])  // [5.0, 7.0, 9.0]
  }

  // MARK: Tests

  /// Every `print(…)  // text` of the article prints that text.
  @Test func theArticleIsTrue() throws {
    let article = try article("Tutorial")
    for section in [add, reshape, transpose, sum, matmul, separate, ownOperation, derivativesOfDerivatives] {
      try section()
    }
    let graph = try onceForAll()
    #expect(printed == outputs(promisedBy: article))
    #expect(printed.count >= 25)

    print(graph)
    let indented = graph.description.split(separator: "\n").map { "    " + $0 }.joined(separator: "\n")
    #expect(article.contains(indented))
  }

  @Test func theLandingPageIsTrue() throws {
    try overview()
    #expect(try printed == outputs(promisedBy: article("AutogradCore")))
  }

  /// The code above is that of the article and the landing page: each block stands here line by line, indentation
  /// aside.
  @Test(arguments: ["Tutorial", "AutogradCore"]) func theCodeIsThatOfTheArticle(_ page: String) throws {
    let here = lines(of: try text(of: "Tests/AutogradCoreTests/TutorialTests.swift")).joined(separator: "\n")
    let blocks = blocks(of: try article(page))
    #expect(!blocks.isEmpty)
    for block in blocks {
      let code = block.joined(separator: "\n")
      #expect(here.contains("\n" + code + "\n"), "not in the test: \(code)")
    }
  }

  private func article(_ page: String) throws -> String {
    try text(of: "Sources/AutogradCore/AutogradCore.docc/\(page).md")
  }

  /// The comments behind the calls of `print`; several of one call are parted by semicolons.
  private func outputs(promisedBy article: String) -> [String] {
    blocks(of: article).flatMap { $0 }.filter { $0.hasPrefix("print(") }.flatMap { line in
      line.components(separatedBy: "  // ").dropFirst().flatMap { $0.components(separatedBy: "; ") }
    }
  }

  private func text(of path: String) throws -> String {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  /// The fenced Swift blocks, as lines without indentation.
  private func blocks(of article: String) -> [[String]] {
    article.components(separatedBy: "```swift\n").dropFirst().map { lines(of: $0.components(separatedBy: "\n```")[0]) }
  }

  private func lines(of text: String) -> [String] {
    text.components(separatedBy: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
  }
}
