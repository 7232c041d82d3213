import JSON
import Model
import RBAC
import Testing

/// What a decision costs, counted in rules looked at: not in time, which depends on the machine.
struct PolicyCostTests {
    private static let deployer = Role(
        "deployer",
        rules: [
            Rule(.allow, [.only(.list), .only(.get), .only(.update)], on: ["service"]),
            Rule(.allow, [.only(.get)], on: ["stack"]), Rule(.deny, [.only(.delete)], on: ["service"]),
        ]
    )

    /// Bindings of one subject: one for each of so many services.
    private static func bindings(_ count: Int) -> [Binding] {
        (0..<count).map { index in
            Binding(
                deployer,
                to: .account(2),
                in: .object(type: "service", number: UInt64(index), environment: 5),
                number: UInt64(1_000_000 + index)
            )
        }
    }

    private static let subject = Subject(.user, accountID: 2)

    private static func request(_ number: UInt64?) -> AccessRequest {
        let object: AccessObject? = number.map { AccessObject("service", number: $0, environment: 5) }
        return AccessRequest(subject, .update, "service", in: .environment(5), object: object)
    }

    @Test(arguments: [1, 100, 100_000])
    func `a decision looks at the rules about its object, however many bindings there are`(_ count: Int) {
        let policy = TypePolicy("service", Self.bindings(count), for: Self.subject)
        // Two of the role's three rules are about services; one binding is about the object.
        #expect(policy.looksAt(Self.request(0)) == 2)
        #expect(policy.looksAt(Self.request(nil)) == 2)
        #expect(policy.looksAt(Self.request(999_999)) == 0)
        #expect(RBAC.verdict(Self.request(0), policy).isAllowed)
        #expect(RBAC.verdict(Self.request(nil), policy).isAllowed)
        #expect(!RBAC.verdict(Self.request(999_999), policy).isAllowed)
    }

    @Test func `bindings for stacks and fixed objects are found by those`() {
        let role = Role("r", rules: [Rule(.allow, [.only(.get)], on: ["service"], numbers: [7])])
        var bindings: [Binding] = (0..<10_000).map {
            Binding(Self.deployer, to: .account(2), in: .stack($0, environment: 5))
        }
        bindings.append(Binding(role, to: .account(2), in: .environment(5)))
        let policy = TypePolicy("service", bindings, for: Self.subject)
        func looksAt(_ number: UInt64, stack: UInt64) -> Int {
            let object = AccessObject(
                "service",
                number: number,
                environment: 5,
                members: ["stackId": .int(Int64(stack))]
            )
            return policy.looksAt(AccessRequest(Self.subject, .get, "service", in: .environment(5), object: object))
        }
        #expect(looksAt(1, stack: 9_999) == 2)
        #expect(looksAt(7, stack: 9_999) == 3)
        #expect(looksAt(7, stack: 10_000) == 1)
        #expect(looksAt(1, stack: 10_000) == 0)
    }
}
