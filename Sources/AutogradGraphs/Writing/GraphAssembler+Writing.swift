import AutogradFormats

/// The graph in the two forms in which it can be written.
extension GraphAssembler {
  /// The canonical formula, see ``FormulaPrinter``.
  package func formula() throws(FormatError) -> ByteBuffer {
    try FormulaPrinter.print(source, text, defaultDType: defaultDType)
  }

  /// See ``JSONGraphWriter``.
  package func writeJSON(to json: ByteBuffer) throws(FormatError) {
    try JSONGraphWriter.write(source, text, to: json, defaultDType: defaultDType)
  }
}
