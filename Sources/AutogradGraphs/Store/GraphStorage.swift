/// Where registered graphs are kept: a folder, or memory that the processes of a server share.
///
/// A graph has versions 1, 2, …, without gaps, which never change. A deletion takes a number too. So a number means the
/// same bytes for ever, also after the name was deleted and put again.
///
/// All methods may be called on any thread and in any process of the server at the same time. What has returned is seen
/// by every call that begins afterwards, in any process.
package protocol GraphStorage: AnyObject, Sendable {
  /// Whether what is stored is still there after the server has ended.
  var isPersistent: Bool { get }

  /// Every name with its newest version, deletions included, in no order.
  func newest() throws(StoreError) -> [StoredVersion]

  /// The newest version of a name, which may be a deletion; nil for a name that was never put. It costs little unless
  /// something has changed.
  func newest(of name: GraphName) throws(StoreError) -> StoredVersion?

  /// Whether a version is still the newest of its name. Every request asks, so this costs nearly nothing. False also
  /// where that takes longer to say.
  func isNewest(_ version: StoredVersion) -> Bool

  /// The versions of a name since its last deletion, ascending; empty if there are none.
  func versions(of name: GraphName) throws(StoreError) -> [StoredVersion]

  /// A version of a name that has not been deleted; nil if there is none of this number.
  func version(_ number: Int, of name: GraphName) throws(StoreError) -> StoredVersion?

  /// The bytes of a version, checked against its digest.
  /// - Throws: ``StoreError/damaged(_:_:_:)``, or ``StoreError/missing`` if the version is gone.
  func bytes(of version: StoredVersion) throws(StoreError) -> StoredBytes

  /// Stores the next version, unless the newest one has the same type and bytes. The check of the condition and the
  /// write are one step.
  /// - Parameters:
  ///   - content: what to store.
  ///   - condition: whether to write, by the newest version's entity tag; nil if there is none.
  /// - Returns: the version, and whether it is new.
  func put(
    _ content: StoredContent, as name: GraphName, if condition: (String?) -> Bool
  ) throws(StoreError) -> (version: StoredVersion, isNew: Bool)

  /// Deletes a name with all its versions. The check of the condition and the write are one step.
  /// - Throws: ``StoreError/missing`` if there is no such graph.
  func delete(_ name: GraphName, if condition: (String?) -> Bool) throws(StoreError)
}

/// What a PUT stores.
///
/// `@unchecked Sendable`: the bytes are borrowed from whoever puts them, and nobody writes to them.
package struct StoredContent: @unchecked Sendable {
  package var type: GraphMediaType
  package var description: String?
  package var bytes: UnsafeRawBufferPointer
  package var digest: SHA256Digest

  package init(type: GraphMediaType, description: String?, bytes: UnsafeRawBufferPointer) {
    self.type = type
    self.description = description
    self.bytes = bytes
    digest = SHA256Digest(of: bytes)
  }
}

/// How the bytes of a version are to be read.
package enum GraphMediaType: String, CaseIterable, Sendable {
  case formula = "text/plain"
  case json = "application/json"
  case safetensors = "application/vnd.safetensors"
}

/// A version of a graph: everything about it except its bytes.
package struct StoredVersion: Sendable, Equatable {
  package var name: GraphName
  package var version: Int
  package var type: GraphMediaType
  /// Milliseconds of Unix time.
  package var created: Int
  package var description: String?
  package var byteCount: Int
  package var digest: SHA256Digest
  /// Whether this is a deletion, which has no bytes.
  package var isDeleted = false
  /// Whether it is a file that somebody else keeps, so that it can only be read.
  package var isReadOnly = false
  /// Why its bytes cannot be had, if that is known already.
  package var damage: String?
  /// Where the storage finds it, and where it finds what the newest version of the name is.
  package var place = 0
  var namePlace = 0

  package init(
    name: GraphName, version: Int, type: GraphMediaType, created: Int, description: String?, byteCount: Int,
    digest: SHA256Digest
  ) {
    self.name = name
    self.version = version
    self.type = type
    self.created = created
    self.description = description
    self.byteCount = byteCount
    self.digest = digest
  }

  /// The entity tag without its quotes. A file of somebody else may change and is still version 1, so its tag has a
  /// part of its digest.
  package var tag: String { isReadOnly ? "\(version)-\(digest.hex.prefix(8))" : "\(version)" }
}

/// The bytes of a version, and whoever keeps them where they are.
///
/// `@unchecked Sendable`: nobody writes to the bytes.
package struct StoredBytes: @unchecked Sendable {
  package let bytes: UnsafeRawBufferPointer
  package let owner: AnyObject

  package init(_ bytes: UnsafeRawBufferPointer, owner: AnyObject) {
    self.bytes = bytes
    self.owner = owner
  }
}

/// Limits on what is stored.
package struct StoreLimits: Sendable, Equatable {
  package var graphs = 10_000
  /// Versions of one graph.
  package var versions = 10_000
  /// Bytes of all graphs together: in a folder of the sources of their newest versions, without one of all versions.
  package var bytes = 4 << 30

  /// Bytes that the pages of memory may take beyond that, if there is no folder: the smallest source takes a page.
  package var overhead = 64 << 20

  package init() {}

  /// Names in all, with those whose graphs were deleted: what is left of them must not grow for ever.
  var names: Int { graphs > .max / 10 ? .max : graphs * 10 }
}

/// Why the storage does not do what it was asked for.
package enum StoreError: Error, Equatable {
  /// There is no such graph, or no such version.
  case missing
  /// The condition does not hold; with the newest version's tag and number, nil if there is no graph.
  case preconditionFailed(tag: String?, version: Int?)
  /// The name differs from that of another graph in case alone.
  case sameButForCase(String)
  /// The file is somebody else's, or the folder cannot be written; the text says which.
  case readOnly(String)
  /// The disk or the memory is full.
  case full
  /// A limit: which, how much it is, and how much there would be.
  case limit(Limit, most: Int, value: Int)
  /// The bytes of the version are not those that were put; the text says how that is known.
  case damaged(String, Int, String)
  /// The system refused for the moment, for example because no descriptors are left.
  case unavailable(String)

  package enum Limit: Sendable { case graphs, names, versions, bytes }
}
