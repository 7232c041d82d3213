import Testing

@testable import CLI

struct TableTests {
    private var table: Table {
        var table = Table("ID", "NAME", "MESSAGE")
        table.rows.append(["1s1", "web", "it waits for a host with the label a=b"])
        table.rows.append(["1s2", "database", ""])
        return table
    }

    @Test func `columns stand under their headings`() {
        #expect(
            table.text(width: nil, colour: false) == """
                ID   NAME      MESSAGE
                1s1  web       it waits for a host with the label a=b
                1s2  database

                """
        )
    }

    @Test func `a narrow terminal cuts the widest column`() {
        #expect(
            table.text(width: 30, colour: false) == """
                ID   NAME      MESSAGE
                1s1  web       it waits for a…
                1s2  database

                """
        )
        for width in 1...60 {
            let longest: Int = table.text(width: width, colour: false).split(separator: "\n").map(\.count).max() ?? 0
            #expect(longest <= max(width, 17))
        }
    }

    @Test func `names cannot steer the terminal`() {
        #expect(Table.Cell("a\u{1B}[2Jb\nc\u{202E}d").text == "a [2Jb c d")
        #expect("plain é 漢".printable == "plain é 漢")
    }

    @Test func `colour stands around the text and does not count`() {
        var table = Table("S", "T")
        table.rows.append([Table.Cell("ok", .green), "x"])
        #expect(table.text(width: 5, colour: true) == "S   T\n\u{1B}[32mok\u{1B}[0m  x\n")
    }

    @Test func `progress prints each change once where no cursor moves`() {
        let printed = Printed()
        let progress = Progress(console: printed.console(), names: ["a", "b"])
        for text in ["one", "one", "two"] { progress.update("a", text) }
        progress.note("hear")
        progress.update("b", "one")
        #expect(printed.error == "a: one\na: two\nhear\nb: one\n")
    }

    @Test func `progress changes in place on a terminal and never wraps`() {
        let printed = Printed()
        var console: Console = printed.console()
        console.messageColumns = { 20 }
        let progress = Progress(console: console, names: ["a", "bb"])
        progress.update("a", "starting now")
        progress.update("bb", "this text is far too long")
        progress.note("hear")
        #expect(
            printed.error == "\ra   starting now\u{1B}[K\n"
                + "\u{1B}[1A\ra   starting now\u{1B}[K\n\rbb  this text is f…\u{1B}[K\n"
                + "\u{1B}[2A\u{1B}[Jhear\n\ra   starting now\u{1B}[K\n\rbb  this text is f…\u{1B}[K\n"
        )
    }
}
