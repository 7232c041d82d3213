/// The names under which changes of rights are tracked: who decides names them in its preconditions, who changes rights
/// touches them in the same transaction.
package enum PolicySubject {
    package static func account(_ number: UInt64) -> [UInt8] { Array("account/\(number)".utf8) }
    package static func credential(_ number: UInt64) -> [UInt8] { Array("credential/\(number)".utf8) }
    /// Every role that was made at run time, and what is bound to identities of outside directories.
    package static let accessRoles: [UInt8] = Array("accessRoles".utf8)
    package static func setting(_ name: String) -> [UInt8] { Array("setting/\(name)".utf8) }
}
