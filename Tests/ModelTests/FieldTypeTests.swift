import Model
import Testing

struct FieldTypeTests {
    static let spellings: [(String, FieldType)] = [
        ("string", .string), ("password", .password), ("float", .float), ("int", .int), ("date", .date),
        ("blob", .blob), ("boolean", .boolean), ("enum", .enum), ("json", .json), ("none", .nothing),
        ("reference[service]", .reference("service")), ("array[string]", .array(.string)),
        ("map[json]", .map(.json)), ("array[reference[service]]", .array(.reference("service"))),
        ("map[map[portRule]]", .map(.map(.embedded("portRule")))), ("launchConfig", .embedded("launchConfig")),
    ]

    @Test(arguments: spellings)
    func `a type is parsed and spelt alike`(_ text: String, _ type: FieldType) {
        #expect(FieldType(text) == type)
        #expect(type.description == text)
    }

    @Test(arguments: [
        "", "array", "map", "reference", "array[]", "reference[]", "array[string", "array[string]]", "string[int]",
        "[string]", "array[array]", "reference[array[string]]", "a b", "array[string]x",
    ])
    func `what is no type is refused`(_ text: String) {
        #expect(FieldType(text) == nil)
    }

    @Test func `filters follow the class of the type`() {
        #expect(
            FieldType.string.filterModifiers(isNullable: false)
                == ["eq", "ne", "prefix", "like", "notlike", "null", "notnull"]
        )
        #expect(
            FieldType.date.filterModifiers(isNullable: true) == [
                "eq", "ne", "lt", "lte", "gt", "gte", "null", "notnull",
            ]
        )
        #expect(FieldType.reference("x").filterModifiers(isNullable: true) == ["eq", "ne", "null", "notnull"])
        #expect(FieldType.map(.string).filterModifiers(isNullable: true) == ["null", "notnull"])
        #expect(FieldType.password.filterModifiers(isNullable: false) == [])
    }
}
