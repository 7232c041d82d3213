import TestSupport
import Testing

@testable import Gateway

@Suite struct PathTemplateTests {
    static let rows: [(template: String, fits: [String], not: [String])] = [
        (
            "/v2-beta/projects", ["/v2-beta/projects"],
            ["/v2-beta/projects/", "/v2-beta/Projects", "/v2-beta/projects/1a5", ""]
        ),
        (
            "/v2-beta/projects/{id}", ["/v2-beta/projects/1a5", "/v2-beta/projects/é"],
            ["/v2-beta/projects/", "/v2-beta/projects/1a5/services"]
        ),
        (
            "/v2-beta/projects/{path:.*}",
            ["/v2-beta/projects/", "/v2-beta/projects/1a5", "/v2-beta/projects/1a5/services/1s3/x"],
            ["/v2-beta/projects", "/v2-beta/project/1a5"]
        ),
        ("/{anything:.*}", ["/", "/a/b/c"], ["a"]),
        ("/a/{n:[0-9]{2,3}}/b", ["/a/12/b", "/a/123/b"], ["/a/1/b", "/a/1234/b", "/a/1x/b"]),
        ("/a/{n:[0-9]{2}}", ["/a/12"], ["/a/1", "/a/123"]),
        ("/a/{n:x{2,}}", ["/a/xx", "/a/xxxxx"], ["/a/x", "/a/"]),
        ("/{v:v1|v2-beta}/hosts", ["/v1/hosts", "/v2-beta/hosts"], ["/v2/hosts", "/v1|v2-beta/hosts"]),
        ("/{n:(?:ab)+c?}", ["/ab", "/ababc"], ["/", "/a", "/abcc"]),
        (#"/{n:\d+\.\w*}"#, ["/1.", "/12.ab_9"], ["/1a", "/.a", "/1.-"]),
        ("/{n:[^/x-z]+}", ["/abc"], ["/axc", "/a/c", "/"]),
        ("/{n:[]a-]+}", ["/]-a"], ["/b"]),
        (#"/{n:[\d\-]+}"#, ["/1-2"], ["/1a"]),
        ("/{a}/{b}", ["/x/y"], ["/x", "/x/y/z", "//y"]),
        ("/a.b", ["/a.b"], ["/axb"]),
        ("/{n:^a$}", ["/a"], ["/aa"]),
        ("/{n:.*?}/end", ["/a/b/end", "//end"], ["/end", "/a/ends"]),
    ]

    @Test(arguments: rows) func `a template fits the paths that it says, whole`(
        _ row: (template: String, fits: [String], not: [String])
    ) throws {
        let template = try PathTemplate(row.template)
        for path in row.fits { #expect(template.matches(path), "\(row.template) \(path)") }
        for path in row.not { #expect(!template.matches(path), "\(row.template) \(path)") }
    }

    @Test(arguments: [
        ("projects", "begins with /"), ("/{id", "no }"), ("/id}", "without its {"), ("/{}", "needs a name"),
        ("/{:a}", "needs a name"), ("/{id:}", "no expression"), ("/{a}/{a}", "stands twice"), ("/{a:(}", "no )"),
        ("/{a:b)}", "without its ("), ("/{a:[b}", "no ]"), ("/{a:*}", "nothing before"), ("/{a:b**}", "repeated"),
        ("/{a:(?=b)}", "(?"), ("/{a:(?P<n>b)}", "(?"), ("/{a:(?i)b}", "(?"), (#"/{a:(b)\1}"#, "\\1"),
        (#"/{a:\bb}"#, "\\b"), (#"/{a:\p}"#, "\\p"), ("/{a:[b-a]}", "ends before"), ("/{a:b{3,2}}", "a count"),
        ("/{a:b{999}}", "a count"), ("/{a:[[:alpha:]]}", "[:alpha:]"), ("/{a:a^b}", "at the ends"),
        ("/{a:((x{200}){200}){200}}", "states"), ("/{a:((((){200}){200}){200}){200}}", "multiply"),
    ]) func `what cannot be matched in one pass is refused with its reason`(_ text: String, _ reason: String) {
        do {
            _ = try PathTemplate(text)
            Issue.record("\(text) was accepted")
        } catch {
            #expect(error.reason.contains(reason), "\(text): \(error.reason)")
        }
    }

    @Test func `expressions that make others try for ever are done in one pass`() throws {
        // Each byte is looked at once for each state: a matcher that goes back would not end in a lifetime.
        let path: String = "/" + String(repeating: "a", count: 20_000)
        for text in ["/{a:(a*)*b}", "/{a:(a|a)*b}", "/{a:(a+)+$}x", "/{a:(a|aa)+b}", "/{a:.*.*.*.*.*b}"] {
            #expect(!(try PathTemplate(text)).matches(path))
        }
        #expect(try PathTemplate("/{a:(a*)*}").matches(path))
    }

    @Test func `random expressions never crash, and agree with themselves`() {
        var random = Seeded(7)
        let alphabet: [Character] = Array("ab/.*+?()[]{}|\\^$-,0123:d")
        var accepted: Int = 0
        for _ in 0..<20_000 {
            let inner = String(
                (0..<Int(random.next() % 12)).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] }
            )
            guard let template = try? PathTemplate("/{x:\(inner)}") else { continue }
            accepted += 1
            let path = "/" + String((0..<6).map { _ in ["a", "b", "/", "d"][Int(random.next() % 4)] }.joined())
            // An expression and the same one as a choice between itself and itself.
            if let twice = try? PathTemplate("/{x:(?:\(inner)|\(inner))}") {
                #expect(template.matches(path) == twice.matches(path), "\(inner) \(path)")
            }
        }
        #expect(accepted > 500)
    }
}
