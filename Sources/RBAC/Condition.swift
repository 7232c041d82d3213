package import JSON
import Model

/// One thing that must be true of an object for a rule to speak of it.
package struct Condition: Hashable, Sendable, CustomStringConvertible {
    package enum Test: Hashable, Sendable {
        case equals(JSONValue)
        case oneOf([String])
        case prefix(String)
        /// The member is the asking account.
        case isAccount
        /// The member is the asking host.
        case isHost
        /// The member is the environment that the binding is for.
        case isEnvironment
        /// The member has a value that is not null.
        case exists
        /// The member is null or absent.
        case isNull
        /// The member is a list or map with something in it.
        case isNotEmpty
        /// The member, a list of subjects, names the caller.
        case namesCaller
    }

    /// A member of the object; `id` is its number; `labels.tier` is a member of a map.
    package var member: String
    package var test: Test

    package init(_ member: String, _ test: Test) {
        self.member = member
        self.test = test
    }

    func holds(for object: AccessObject, subject: Subject, environment: UInt64?) -> Bool {
        let value: JSONValue? = object.value(of: member)
        func isNumber(_ number: UInt64?) -> Bool {
            guard let number, let value else { return false }
            return value == JSONValue(number)
        }
        switch test {
        case .equals(let wanted): return value == wanted
        case .oneOf(let texts): return value?.string.map { texts.contains($0) } ?? false
        case .prefix(let prefix): return value?.string?.hasPrefix(prefix) ?? false
        case .isAccount: return isNumber(subject.accountID)
        case .isHost: return isNumber(subject.hostID)
        case .isEnvironment: return isNumber(environment)
        case .exists: return !(value?.isNull ?? true)
        case .isNull: return value?.isNull ?? true
        case .isNotEmpty: return !(value?.array?.isEmpty ?? value?.object?.isEmpty ?? true)
        case .namesCaller:
            return value?.array?.contains { entry in
                AccessSubject.identity(entry).map { subject.isNamed(by: $0) } ?? false
            } ?? false
        }
    }

    /// Whether what it says depends on who asks: then nobody can hold it for somebody else.
    var isAboutCaller: Bool {
        switch test {
        case .isAccount, .isHost, .namesCaller: true
        default: false
        }
    }

    package var description: String {
        switch test {
        case .equals(let value): "\(member)=\(String(decoding: JSONWriter.bytes(value), as: UTF8.self))"
        case .oneOf(let texts): "\(member) in (\(texts.joined(separator: ",")))"
        case .prefix(let prefix): "\(member)=\(prefix)*"
        case .isAccount where member == "creatorId": "creator=self"
        case .isAccount, .isHost: "\(member)=self"
        case .isEnvironment: "\(member)=environment"
        case .exists: "\(member) exists"
        case .isNull: "\(member) is null"
        case .isNotEmpty: "\(member) is not empty"
        case .namesCaller: "\(member) names the caller"
        }
    }
}

/// The stored form of an `accessSubject`.
package enum AccessSubject {
    /// Whom `{externalIdType, externalId}` or `{credentialId}` names; nil when it names nobody.
    ///
    /// Shape: `rancher_id` with the id of an account, any other type with the directory's own id, or the id of a key as
    /// a number.
    package static func identity(_ value: JSONValue) -> AccessIdentity? {
        if let number: UInt64 = value["credentialId"]?.int.flatMap({ UInt64(exactly: $0) }) {
            return .credential(number)
        }
        guard let id: String = value["externalId"]?.string, !id.isEmpty else { return nil }
        let type: String = value["externalIdType"]?.string ?? accountType
        guard type == accountType else { return .outside("\(type):\(id)") }
        guard let parsed = ResourceID(id), parsed.cluster == nil else { return nil }
        return .account(parsed.number)
    }

    /// The type of identities that are accounts of this cluster.
    package static let accountType: String = "rancher_id"
}
