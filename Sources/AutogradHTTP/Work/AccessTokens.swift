import Glibc

/// The valid bearer tokens, from a file with one a line, each with its role and quota.
package final class AccessTokens: Sendable {
  /// Allowed lengths of a token.
  package static let lengths = 16...512

  package let path: String
  private let table: Locked<Table>

  /// Reads the file.
  package init(path: String) throws(StartError) {
    self.path = path
    table = Locked(try Table(path))
  }

  /// Reads the file again. If it is invalid, the old tokens stay.
  package func reload() throws(StartError) {
    let new = try Table(path).keepingTenants(of: table.withLock { $0 })
    table.withLock { $0 = new }
  }

  package var count: Int { table.withLock { $0.count } }

  /// Whether all users of this machine may read the file.
  package var isOpenToOthers: Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IROTH != 0
  }

  /// The tenant of the token in an Authorization header; nil without a valid token.
  func tenant(of authorization: UnsafeRawBufferPointer?) -> Tenant? {
    guard let token = AccessTokens.bearer(authorization) else { return nil }
    return table.withLock { $0 }.tenant(of: token)
  }

  /// What follows `Bearer `, whose case does not matter (RFC 9110, 11.1).
  private static func bearer(_ header: UnsafeRawBufferPointer?) -> Slice<UnsafeRawBufferPointer>? {
    guard let header, header.count > 7, header[6] == UInt8(ascii: " ") else { return nil }
    for (byte, letter) in zip(header, "bearer".utf8) where byte | 0x20 != letter { return nil }
    return header[7...].drop { $0 == UInt8(ascii: " ") }
  }

  /// The tokens, each padded with zeros to the maximum length.
  private struct Table {
    private static let words = AccessTokens.lengths.upperBound / 8
    private var padded: [UInt64] = []
    private var lengths: [UInt64] = []
    private var tenants: [Tenant] = []

    var count: Int { lengths.count }

    init(_ path: String) throws(StartError) {
      var known: [ArraySlice<UInt8>: [ArraySlice<UInt8>]] = [:]
      for (number, line) in try Table.text(path).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        .enumerated()
      {
        let isSpace = { (byte: UInt8) in byte == UInt8(ascii: " ") || (9...13).contains(byte) }
        let words = line.split(whereSeparator: isSpace)
        guard let token = words.first, token.first != UInt8(ascii: "#") else { continue }
        // The text is not quoted in the error, because it is probably a secret.
        guard AccessTokens.lengths.contains(token.count), token.allSatisfy({ (0x21...0x7e).contains($0) }) else {
          throw StartError(
            "line \(number + 1) of the token file \(path) is no token: \(AccessTokens.lengths.lowerBound) to "
              + "\(AccessTokens.lengths.upperBound) printable ASCII characters without spaces, one token a line")
        }
        let options = Array(words.dropFirst())
        if let others = known[token] {
          if options == others { continue }
          throw StartError(
            "line \(number + 1) of the token file \(path) gives a token of an earlier line other options; leave one")
        }
        known[token] = options
        token.withUnsafeBytes { padded += Table.padded($0[...]) }
        lengths.append(UInt64(token.count))
        tenants.append(
          try Table.tenant(words.dropFirst().map { String(decoding: $0, as: UTF8.self) }, number + 1, path))
      }
      guard count > 0 else { throw StartError("the token file \(path) holds no token; put one on a line of its own") }
    }

    private static func tenant(_ words: [String], _ line: Int, _ path: String) throws(StartError) -> Tenant {
      var terms = Quota.Terms.none
      var role: String?
      for (index, word) in words.enumerated() {
        if role == nil, word == "read" || word == "write" {
          role = word
          continue
        }
        if terms.read(word) { continue }
        // Not quoted either: it may be a second token.
        throw StartError(
          "line \(line) of the token file \(path): word \(index + 2) is not an option of a token; the options are "
            + "read, write, \(Quota.Terms.syntax), each once")
      }
      return Tenant(quota: terms == .none ? nil : Quota(terms), mayWrite: role == "write")
    }

    /// Tokens that were in the old table keep their usage. If their terms have changed, work in progress counts for the
    /// old terms.
    func keepingTenants(of old: Table) -> Table {
      var table = self
      let before = Dictionary(uniqueKeysWithValues: old.lengths.indices.map { (old.words(of: $0), old.tenants[$0]) })
      for index in lengths.indices {
        guard let was = before[words(of: index)] else { continue }
        let (terms, mayWrite) = (tenants[index].quota?.terms, tenants[index].mayWrite)
        let isSame = was.quota?.terms == terms && was.mayWrite == mayWrite
        table.tenants[index] = isSame ? was : was.changed(to: terms, mayWrite: mayWrite)
      }
      return table
    }

    private func words(of index: Int) -> ArraySlice<UInt64> { padded[index * Table.words..<(index + 1) * Table.words] }

    /// Constant time for a given number of tokens: every token is compared over its whole padded length by collecting
    /// differences, without a branch on them. The time depends neither on where a difference is, nor on which tokens
    /// match, nor on their lengths.
    func tenant(of token: Slice<UnsafeRawBufferPointer>) -> Tenant? {
      let given = Table.padded(token)
      let length = UInt64(token.count)
      // The index of the match plus 1; 0 for none.
      var match: UInt64 = 0
      for index in lengths.indices {
        var difference = lengths[index] ^ length
        let start = index * Table.words
        for word in 0..<Table.words { difference |= padded[start + word] ^ given[word] }
        // The factor is all ones if there is no difference, else 0.
        match |= (((difference | (0 &- difference)) >> 63) &- 1) & UInt64(index + 1)
      }
      return match == 0 ? nil : tenants[Int(match) - 1]
    }

    /// Longer ones are cut; their length differs anyway.
    private static func padded(_ token: Slice<UnsafeRawBufferPointer>) -> [UInt64] {
      var words = [UInt64](repeating: 0, count: Table.words)
      words.withUnsafeMutableBytes { $0.copyBytes(from: token.prefix(AccessTokens.lengths.upperBound)) }
      return words
    }

    /// Far larger than any sensible token file.
    private static let largestFile = 1 << 20

    private static func text(_ path: String) throws(StartError) -> [UInt8] {
      // Non-blocking, because opening a FIFO without a writer would never return.
      let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
      guard file >= 0 else {
        throw StartError("cannot read the token file \(path): \(String(cString: strerror(errno)))")
      }
      defer { close(file) }
      var status = stat()
      guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
        throw StartError(
          "the token file \(path) is not a regular file but a pipe, a device or a directory; write the tokens to a file"
        )
      }
      var text: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 64 << 10)
      while true {
        let count = read(file, &chunk, chunk.count)
        if count < 0 && errno == EINTR { continue }
        guard count >= 0 else {
          throw StartError("cannot read the token file \(path): \(String(cString: strerror(errno)))")
        }
        if count == 0 { return text }
        text += chunk.prefix(count)
        guard text.count <= largestFile else { throw StartError("the token file \(path) is larger than a megabyte") }
      }
    }
  }
}
