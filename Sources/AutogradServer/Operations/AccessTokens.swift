import Glibc

/// The bearer tokens that open the server, from a file of one a line.
final class AccessTokens: Sendable {
  /// Characters that a token has.
  static let lengths = 16...512

  let path: String
  private let table: Locked<Table>

  /// Reads the file.
  init(path: String) throws(StartError) {
    self.path = path
    table = Locked(try Table(path))
  }

  /// Reads the file anew. When it is bad by now, the tokens stay what they were.
  func reload() throws(StartError) {
    let new = try Table(path)
    table.withLock { $0 = new }
  }

  var count: Int { table.withLock { $0.count } }

  /// Whether everybody on this machine may read the file.
  var isOpenToOthers: Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IROTH != 0
  }

  /// Whether an Authorization header carries one of the tokens.
  func admits(_ authorization: UnsafeRawBufferPointer?) -> Bool {
    guard let token = AccessTokens.bearer(authorization) else { return false }
    return table.withLock { $0 }.contains(token)
  }

  /// What follows `Bearer `, whose case does not matter (RFC 9110, 11.1).
  private static func bearer(_ header: UnsafeRawBufferPointer?) -> Slice<UnsafeRawBufferPointer>? {
    guard let header, header.count > 7, header[6] == UInt8(ascii: " ") else { return nil }
    for (byte, letter) in zip(header, "bearer".utf8) where byte | 0x20 != letter { return nil }
    return header[7...].drop { $0 == UInt8(ascii: " ") }
  }

  /// The tokens, each filled up with zeros to the longest there may be.
  private struct Table {
    private static let words = AccessTokens.lengths.upperBound / 8
    private var padded: [UInt64] = []
    private var lengths: [UInt64] = []

    var count: Int { lengths.count }

    init(_ path: String) throws(StartError) {
      for (number, line) in try Table.text(path).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
        let isSpace = { (byte: UInt8) in byte == UInt8(ascii: " ") || (9...13).contains(byte) }
        var token = line.drop(while: isSpace)
        while let last = token.last, isSpace(last) { token.removeLast() }
        guard let first = token.first, first != UInt8(ascii: "#") else { continue }
        // What stands there is not repeated: it is likely a secret all the same.
        guard AccessTokens.lengths.contains(token.count), token.allSatisfy({ (0x21...0x7e).contains($0) }) else {
          throw StartError(
            "line \(number + 1) of the token file \(path) is no token: \(AccessTokens.lengths.lowerBound) to "
              + "\(AccessTokens.lengths.upperBound) printable ASCII characters without spaces, one token a line")
        }
        token.withUnsafeBytes { padded += Table.padded($0[...]) }
        lengths.append(UInt64(token.count))
      }
      guard count > 0 else { throw StartError("the token file \(path) holds no token; put one on a line of its own") }
    }

    /// In a time that depends on how many tokens there are and on nothing else: every token is compared, and each to its whole padded length,
    /// by adding up differences, with no branch on what they come to. Neither where a difference is nor which token matches, or how many, or
    /// how long any is, changes what is done.
    func contains(_ token: Slice<UnsafeRawBufferPointer>) -> Bool {
      let given = Table.padded(token)
      let length = UInt64(token.count)
      var matches: UInt64 = 0
      for index in lengths.indices {
        var difference = lengths[index] ^ length
        let start = index * Table.words
        for word in 0..<Table.words { difference |= padded[start + word] ^ given[word] }
        // 1 for no difference, else 0.
        matches |= ((difference | (0 &- difference)) >> 63) ^ 1
      }
      return matches != 0
    }

    /// Cut where it is longer: then its length differs.
    private static func padded(_ token: Slice<UnsafeRawBufferPointer>) -> [UInt64] {
      var words = [UInt64](repeating: 0, count: Table.words)
      words.withUnsafeMutableBytes { $0.copyBytes(from: token.prefix(AccessTokens.lengths.upperBound)) }
      return words
    }

    /// Far more than tokens that anybody writes down take.
    private static let largestFile = 1 << 20

    private static func text(_ path: String) throws(StartError) -> [UInt8] {
      // Opened without waiting: the open of a FIFO that nobody writes to would never return.
      let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
      guard file >= 0 else { throw StartError("cannot read the token file \(path): \(String(cString: strerror(errno)))") }
      defer { close(file) }
      var status = stat()
      guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
        throw StartError("the token file \(path) is not a regular file but a pipe, a device or a directory; write the tokens to a file")
      }
      var text: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 64 << 10)
      while true {
        let count = read(file, &chunk, chunk.count)
        if count < 0 && errno == EINTR { continue }
        guard count >= 0 else { throw StartError("cannot read the token file \(path): \(String(cString: strerror(errno)))") }
        if count == 0 { return text }
        text += chunk.prefix(count)
        guard text.count <= largestFile else { throw StartError("the token file \(path) is larger than a megabyte") }
      }
    }
  }
}
