/// Why something that the server needs could not be set up.
package struct StartError: Error, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }
}
