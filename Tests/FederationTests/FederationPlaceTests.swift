import Federation
import JSON
import Testing

struct FederationPlaceTests {
    private static let whole: JSONObject = [
        "host": "All.Example.org", "cluster": 1,
        "links": [
            [
                "cluster": 2, "name": "west", "urls": ["https://10.2.0.1:8443"], "authority": "PEM", "accessKey": "A",
                "secretKey": "S", "accounts": ["1a7", "1a9"],
            ]
        ],
    ]

    private static func changed(_ name: String, _ value: JSONValue?) -> JSONValue {
        var object: JSONObject = whole
        object[name] = value
        return .object(object)
    }

    private static func link(_ name: String, _ value: JSONValue?) -> JSONValue {
        var link: JSONObject = whole["links"]?.array?.first?.object ?? [:]
        link[name] = value
        return changed("links", [.object(link)])
    }

    @Test func `a file is read`() throws {
        let place = try FederationPlace(.object(Self.whole))
        #expect(place.host == "all.example.org" && place.cluster == 1)
        let link: ClusterLink = try #require(place.link(to: 2))
        #expect(link.name == "west" && link.accounts == [7, 9] && place.link(to: 3) == nil)
        #expect(place.isNamed(by: "all.example.org") && place.isNamed(by: "ALL.example.org:8080"))
        #expect(!place.isNamed(by: "east.example.org") && !place.isNamed(by: "xall.example.org"))
    }

    @Test func `what is wrong is named`() {
        let wrong: [(JSONValue, String)] = [
            ([], "an object"), (Self.changed("host", nil), "host"), (Self.changed("host", "a:8080"), "without a port"),
            (Self.changed("cluster", 0), "from 1 on"), (Self.changed("cluster", "1"), "from 1 on"),
            (Self.changed("cluster", 2), "belongs to one cluster"), (Self.changed("hosts", "x"), "hosts is not known"),
            (Self.link("urls", ["http://10.2.0.1:8080"]), "https://"), (Self.link("urls", []), "links[0].urls"),
            (Self.link("authority", ""), "links[0].authority"), (Self.link("secretKey", nil), "links[0].secretKey"),
            (Self.link("accounts", ["1a7c2"]), "of this cluster"), (Self.link("account", []), "account is not known"),
        ]
        for (document, words) in wrong {
            #expect("\(document)") {
                _ = try FederationPlace(document)
            } throws: {
                "\($0)".contains(words)
            }
        }
    }
}
