/// A storage that has no graphs and takes none, for programs that answer requests without keeping anything.
package final class NoGraphs: GraphStorage {
  package let isPersistent = false

  package init() {}

  package func newest() throws(StoreError) -> [StoredVersion] { [] }
  package func newest(of name: GraphName) throws(StoreError) -> StoredVersion? { nil }
  package func isNewest(_ version: StoredVersion) -> Bool { false }
  package func versions(of name: GraphName) throws(StoreError) -> [StoredVersion] { [] }
  package func version(_ number: Int, of name: GraphName) throws(StoreError) -> StoredVersion? { nil }
  package func bytes(of version: StoredVersion) throws(StoreError) -> StoredBytes { throw .missing }

  package func put(
    _ content: StoredContent, as name: GraphName, if condition: (String?) -> Bool
  ) throws(StoreError) -> (version: StoredVersion, isNew: Bool) {
    throw .readOnly("no graphs are kept here")
  }

  package func delete(_ name: GraphName, if condition: (String?) -> Bool) throws(StoreError) { throw .missing }
}
