/// How the processes of a server tell each other which registered graphs have changed.
package protocol ChangeNotice: AnyObject, Sendable {
  /// Grows with every change that any process has noted.
  var generation: UInt64 { get }

  /// Tells all processes that a graph has a new version. To be called after it can be read, and before the change is
  /// answered.
  func note(_ name: GraphName)

  /// Tells all processes that any graph may have changed.
  func noteAll()
}
