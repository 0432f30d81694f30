import AutogradFormats
import AutogradHTTP
import Logging

/// The address for health and metrics: `127.0.0.1:9090`, `[::1]:9090`, `localhost:9090`.
struct AdminAddress: LosslessStringConvertible, Sendable, Equatable {
  let host: String
  /// 0 lets the system choose.
  let port: UInt16

  /// Nil unless it is `HOST:PORT`; an IPv6 address is in brackets.
  init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":") else { return nil }
    let digits = text[text.index(after: colon)...]
    guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits) else { return nil }
    var host = text[..<colon]
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
    if isBracketed { host = host.dropFirst().dropLast() }
    guard !host.isEmpty, host.contains(":") == isBracketed else { return nil }
    (self.host, self.port) = (String(host), port)
  }

  var description: String { address(port: port) }

  /// The same with the port that the system chose.
  func address(port: UInt16) -> String { "\(host.contains(":") ? "[\(host)]" : host):\(port)" }
}

extension Configuration {
  /// The listening socket of the admin address; nil without one.
  func openAdminAddress(_ logger: Logger) throws(StartError) -> Int32? {
    guard let adminAddress else { return nil }
    let descriptor: Int32
    do throws(StartError) {
      descriptor = try ListeningSocket.open(host: adminAddress.host, port: adminAddress.port)
    } catch {
      throw StartError("--admin-address: \(error)")
    }
    logger.info("health and metrics at http://\(adminAddress.address(port: ListeningSocket.port(of: descriptor)))")
    return descriptor
  }
}
