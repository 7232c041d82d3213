import JSON
import Model
import TestSupport
import Testing

struct RandomBodyTests {
    private static let texts: [String] = [
        "", " ", "web", "-", "1st3", "1s", "now", "true", "65536:80", "[::]:1", "2017-04-22T08:00:00Z", "é", "\u{0}",
        "9223372036854775808", "host",
    ]

    private static func value(depth: Int, using random: inout Seeded) -> JSONValue {
        switch Int.random(in: 0..<(depth > 2 ? 6 : 8), using: &random) {
        case 0: return .null
        case 1: return .bool(.random(using: &random))
        case 2: return .int(Int64.random(in: Int64.min...Int64.max, using: &random))
        case 3: return .int(Int64.random(in: -2...70_000, using: &random))
        case 4: return .double(Double.random(in: -1e300...1e300, using: &random))
        case 5: return .string(texts.randomElement(using: &random) ?? "")
        case 6:
            return .array(
                (0..<Int.random(in: 0..<4, using: &random)).map { _ in value(depth: depth + 1, using: &random) }
            )
        default:
            var object = JSONObject()
            for _ in 0..<Int.random(in: 0..<4, using: &random) {
                let names: [String] = ["imageUuid", "ports", "port", "name", "role", "externalId", "x", "type"]
                object[names.randomElement(using: &random) ?? "x"] = value(depth: depth + 1, using: &random)
            }
            return .object(object)
        }
    }

    @Test func `no body crashes, and what passes once passes unchanged as a stored record`() {
        var random = Seeded(7)
        let context = ValidationContext(now: 5) { _, _ in true }
        var passed: Int = 0
        for definition in Schemas.all {
            for _ in 0..<100 {
                var body = JSONObject()
                for field in definition.fields where field.isRequired || Int.random(in: 0..<6, using: &random) == 0 {
                    body[field.name] = Self.value(depth: 0, using: &random)
                }
                guard let made: JSONObject = try? Validation.create(definition, body: body, context: context) else {
                    continue
                }
                passed += 1
                // The same body again changes nothing in what it made.
                let update: ValidatedUpdate? = try? Validation.update(
                    definition,
                    stored: made,
                    body: body,
                    context: context
                )
                for (name, value) in update?.changed ?? [:] {
                    #expect(definition.field(name)?.isCreatable == false, "\(definition.name).\(name): \(value)")
                }
            }
        }
        #expect(passed > 200)
    }

    @Test func `no text crashes the port parser, and what it reads it writes back`() {
        var random = Seeded(11)
        let alphabet: [Character] = Array("0123456789:/.[]tcpudfe- é")
        for _ in 0..<20_000 {
            let text = String(
                (0..<Int.random(in: 0..<14, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "0" }
            )
            guard let spec = try? PortSpec(parsing: text) else { continue }
            #expect((try? PortSpec(parsing: spec.description)) == spec, "\(text)")
        }
    }

    @Test func `times survive being spelt`() {
        var random = Seeded(13)
        for _ in 0..<20_000 {
            let time: Int64 = Int64.random(in: -62_167_219_200...253_402_300_799, using: &random) * 1000
            #expect(StoredDate.milliseconds(StoredDate.text(time)) == time)
        }
    }
}
