import Testing

@testable import AutogradHTTP

@Suite struct QueryTests {
  private static func pairs(_ query: Query) -> [String] { query.parameters.map { "\($0.name)=\($0.value)" } }

  @Test(arguments: [
    ("", []), ("a=1", ["a=1"]), ("a=1&b=2&a=3", ["a=1", "b=2", "a=3"]), ("a", ["a="]), ("a=", ["a="]),
    ("a=b=c", ["a=b=c"]), ("a=1+2", ["a=1 2"]), ("a=1%2B2", ["a=1+2"]), ("%61=%5b1%5D", ["a=[1]"]),
    ("a=%C3%A9&&b=", ["a=é", "b="]), ("a%3Db=1", ["a=b=1"]),
  ])
  func parametersAreDecoded(text: String, expected: [String]) {
    #expect(Self.pairs(Query(text)) == expected)
    #expect(Query(text).fault == nil)
  }

  @Test(
    arguments: [
      ("a=1%", .escape("a")), ("a=%2", .escape("a")), ("b=1&a=%zz", .escape("a")), ("%=1", .escape("%")),
      ("a=%FF", .encoding("a")), ("a=%C3", .encoding("a")),
    ] as [(String, Query.Fault)])
  func whatCannotBeDecodedIsNamed(text: String, fault: Query.Fault) {
    #expect(Query(text).fault == fault)
  }
}
