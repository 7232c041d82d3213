import StoreFormat

let services = Table(rawValue: 4)
let stacks = Table(rawValue: 5)

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

func transaction(
    _ writes: [Write] = [],
    if preconditions: [Precondition] = [],
    created: Int = 0,
    ticket: SessionTicket? = nil,
    time: Int64 = 1000
) -> Transaction {
    Transaction(
        ticket: ticket,
        time: time,
        actor: "1a1",
        requestID: "r",
        preconditions: preconditions,
        writes: writes,
        created: created
    )
}

func put(
    _ number: UInt64,
    in table: Table = services,
    scope: UInt64 = 5,
    _ document: String = "{}",
    terms: [String] = [],
    unique: [String] = []
) -> Write {
    .put(
        RecordWrite(
            table: table,
            number: .known(number),
            scope: .known(scope),
            document: Template(document),
            terms: terms.map { Template($0) },
            uniqueKeys: unique.map { Template($0) }
        )
    )
}

/// Text with `$0` to `$9` as holes.
func template(_ text: String) -> Template {
    var builder = Template.Builder()
    var isHole: Bool = false
    for character in text {
        if isHole, let digit = character.wholeNumberValue {
            builder.append(number: .created(digit))
            isHole = false
        } else if character == "$" {
            isHole = true
        } else {
            builder.append(String(character))
        }
    }
    return builder.template
}

func create(
    _ index: Int,
    in table: Table = services,
    _ document: String = "{}",
    terms: [String] = [],
    unique: [String] = []
) -> Write {
    .put(
        RecordWrite(
            table: table,
            number: .created(index),
            scope: .known(5),
            document: template(document),
            terms: terms.map(template),
            uniqueKeys: unique.map(template)
        )
    )
}
