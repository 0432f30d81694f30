/// Where the numbers of a tensor are. Whoever reads another format adds a case here and to ``TensorDecoder``.
package enum TensorSource {
  /// A number, or nested or flat lists.
  case lists(JSONValue)
  /// Text that stands for bytes.
  case base64(JSONValue)
  /// The bytes themselves, anywhere in a body and so aligned to nothing.
  case bytes(UnsafeRawBufferPointer)
}
