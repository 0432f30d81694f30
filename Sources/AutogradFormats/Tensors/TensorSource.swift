/// Where the numbers of a tensor are. A new format adds a case here and in ``TensorDecoder``.
package enum TensorSource {
  /// A number, or nested or flat lists.
  case lists(JSONValue)
  /// Base64 text.
  case base64(JSONValue)
  /// The bytes themselves, in a body, so they may be unaligned.
  case bytes(UnsafeRawBufferPointer)
}
