import JSON
import Model
import StoreFormat
import Testing

struct SchemasTests {
    @Test func `every word that a definition uses is defined`() {
        // Named as clients know them, but not types of this server.
        let strangers: Set<String> = [
            "network", "registryCredential", "secret", "agent", "physicalHost", "storageDriver",
        ]
        for definition in Schemas.all {
            for field in definition.fields {
                switch field.type.innermost {
                case .embedded(let schema):
                    #expect(Schemas.definition(schema) != nil, "\(definition.name).\(field.name)")
                case .reference(let type):
                    #expect(
                        Schemas.definition(type) != nil || strangers.contains(type),
                        "\(definition.name).\(field.name)"
                    )
                case .enum: #expect(field.options?.isEmpty == false, "\(definition.name).\(field.name)")
                default: break
                }
                #expect(FieldType(field.type.description) == field.type)
            }
            for action in definition.actions {
                if let process: String = action.process {
                    #expect(definition.states?.hasProcess(process) == true, "\(definition.name).\(action.name)")
                } else {
                    #expect(!action.states.isEmpty)
                    #expect(Set(action.states).isSubset(of: definition.states?.states ?? []))
                }
                for schema in [action.input, action.output].compactMap(\.self) {
                    #expect(Schemas.definition(schema) != nil, "\(definition.name).\(action.name)")
                }
            }
            if let base: String = definition.base { #expect(Schemas.definition(base)?.table == definition.table) }
        }
    }

    @Test func `every link leads from a field or to an indexed member`() {
        for definition in Schemas.all {
            for link in definition.links {
                let target: ResourceDefinition? = Schemas.definition(link.type)
                let isToNothing: Bool = link.kind == .none
                #expect(target != nil && isToNothing == (target?.table == nil), "\(definition.name).\(link.name)")
                switch link.kind {
                case .reference(let field):
                    guard case .reference? = definition.field(field)?.type else {
                        Issue.record("\(definition.name).\(link.name): \(field) is no reference")
                        continue
                    }
                case .none: break
                case .named(let field): #expect(definition.field(field) != nil)
                case .children(let table, let member):
                    #expect(target?.table == table)
                    let write: Write = RecordWriting.put(table, .known(2), [member: 7], scope: .known(1))
                    guard case .put(let record) = write else { continue }
                    #expect(record.terms.contains(Template("\(member)=7")), "\(definition.name).\(link.name)")
                }
            }
        }
    }

    @Test(arguments: ["service", "services", "SERVICES", "Service", "sErViCeS"])
    func `a type is found by any spelling`(_ word: String) {
        #expect(Schemas.find(word) === Schemas.definition("service"))
    }

    @Test(arguments: [
        ("registrationtokens", "registrationToken"), ("subscribe", "subscribe"), ("schemas", "schema"),
        ("APIKEYS", "apiKey"), ("apiversions", "apiVersion"),
    ])
    func `plurals and cases of longer names are found`(_ word: String, _ name: String) {
        #expect(Schemas.find(word)?.name == name)
    }

    @Test func `unknown words and type names in the wrong case are not definitions`() {
        #expect(Schemas.find("environments") == nil)
        #expect(Schemas.find("") == nil)
        #expect(Schemas.definition("Service") == nil)
    }

    @Test(arguments: [
        ("account", "a"), ("project", "a"), ("host", "h"), ("stack", "st"), ("service", "s"), ("container", "i"),
        ("instance", "i"), ("volume", "v"), ("apiKey", "c"), ("registrationToken", "c"), ("credential", "c"),
        ("projectMember", "pm"), ("network", "n"), ("secret", "se"), ("storagePool", "sp"),
    ])
    func `ids have the letters of their base type`(_ type: String, _ letters: String) {
        #expect(Schemas.idLetters(of: type) == letters)
    }

    @Test(arguments: [
        ("service", "services"), ("address", "addresses"), ("match", "matches"), ("box", "boxes"),
        ("volume", "volumes"),
    ])
    func `plurals are guessed`(_ name: String, _ plural: String) {
        #expect(ResourceDefinition.guessedPlural(of: name) == plural)
    }

    @Test func `fields stand in document order`() throws {
        let names: [String] = try #require(Schemas.definition("service")).fields.map(\.name)
        #expect(names.prefix(2) == ["name", "state"])
        #expect(Array(names.dropFirst(2)) == names.dropFirst(2).sorted())
    }

    @Test func `a record's type is its kind's`() {
        #expect(Schemas.definition(for: .account, kind: "project")?.name == "project")
        #expect(Schemas.definition(for: .account, kind: "admin")?.name == "account")
        #expect(Schemas.definition(for: .credential, kind: "apiKey")?.name == "apiKey")
        #expect(Schemas.definition(for: .credential, kind: "agentApiKey")?.name == "credential")
        #expect(Schemas.definition(for: .instance, kind: "container")?.name == "container")
        #expect(Schemas.definition(for: .service, kind: "service")?.name == "service")
        #expect(Schemas.definition(for: .setting, kind: "")?.name == "activeSetting")
        #expect(Schemas.definition(for: .hostReservation, kind: "host") == nil)
    }

    @Test func `subtypes are known from above and below`() {
        let credentials: [String] = ["apiKey", "clientCertificate", "password", "registrationToken"]
        #expect(Schemas.subtypes(of: "credential").map(\.name) == credentials)
        #expect(Schemas.subtypes(of: "service").isEmpty)
        #expect(Schemas.isType("apiKey", kindOf: "credential"))
        #expect(!Schemas.isType("credential", kindOf: "apiKey"))
    }

    @Test func `what the stack tree makes names its maker, and nobody can set it`() throws {
        for name in ["stack", "service", "container", "volume"] {
            let definition: ResourceDefinition = try #require(Schemas.definition(name))
            #expect(definition.hasCreator)
            let field: FieldDefinition = try #require(definition.field("creatorId"))
            #expect(!field.isCreatable && !field.isUpdatable)
        }
    }

    @Test func `supertypes are read only`() throws {
        for name in ["instance", "credential"] {
            let definition: ResourceDefinition = try #require(Schemas.definition(name))
            #expect(definition.collectionMethods == [.get] && definition.resourceMethods == [.get])
            #expect(definition.fields.allSatisfy { !$0.isCreatable && !$0.isUpdatable })
        }
    }
}
