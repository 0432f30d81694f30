import ArgumentParser
import AutogradFormats
import Glibc

/// What commands read.
enum CommandInput {
  /// - Parameter file: a path; - for standard input.
  static func read(_ file: String, into buffer: ByteBuffer) throws {
    let descriptor = file == "-" ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ValidationError("\(file): \(String(cString: strerror(errno)))") }
    defer { if descriptor != STDIN_FILENO { close(descriptor) } }
    while true {
      let count = Glibc.read(descriptor, buffer.reserve(1 << 16), 1 << 16)
      if count < 0 && errno == EINTR { continue }
      if count < 0 { throw ValidationError("\(file): \(String(cString: strerror(errno)))") }
      if count == 0 { return }
      buffer.commit(count)
    }
  }
}

/// What commands print.
enum CommandOutput {
  static func write(_ buffer: ByteBuffer, to descriptor: Int32) { write(buffer.bytes, to: descriptor) }

  /// Ends the program with status 74 (`EX_IOERR` of sysexits.h) if the bytes cannot be written, as to a full disk.
  static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if count < 0 && errno == EINTR { continue }
      if count <= 0 {
        if descriptor == STDERR_FILENO { return }
        let reason = String(cString: strerror(errno))
        write(ByteBuffer("Error: the output cannot be written: \(reason)\n"), to: STDERR_FILENO)
        exit(EX_IOERR)
      }
      rest = rest.dropFirst(count)
    }
  }
}
