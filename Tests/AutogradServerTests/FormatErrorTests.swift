import AutogradCore
import Testing

@testable import AutogradFormats
@testable import AutogradServer

/// What the formats say of a text is what a client is told.
@Suite struct FormatErrorTests {
  @Test func everyCodeIsAProblemsCode() {
    for code in FormatError.Code.allCases { #expect(ProblemCode(code).rawValue == code.rawValue) }
  }

  @Test func everyLimitIsAReason() {
    for limit in FormatError.Limit.allCases {
      #expect(LimitReason(limit).rawValue == limit.rawValue && LimitReason(limit).code == .limitExceeded)
    }
  }

  @Test func everyCodeOfTheCoreIsOneOfTheFormats() {
    for code in GraphError.Code.allCases where code != .interrupted {
      #expect(FormatError.Code(code).rawValue == code.rawValue)
    }
    #expect(FormatError.Code(GraphError.Code.interrupted) == .deadlineExceeded)
  }
}
