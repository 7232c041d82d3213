import JSON
import Testing

@testable import CLI

@Suite(.timeLimit(.minutes(1))) struct ClusterCommandTests {
    @Test func `status shows who leads, the members and the owners`() async throws {
        try await FakeServer.run { server in
            let shown: Ended = await drover("cluster", "status", server: server)
            #expect(shown.code == 0, "\(shown.error)")
            #expect(
                shown.out.hasPrefix("cluster 0abc, incarnation 0def: node1 leads in term 3, entry 90 is committed\n")
            )
            #expect(shown.out.contains("node2  42"))
            #expect(shown.out.contains("it is still getting the log") && shown.out.contains("1a5"))
        }
    }

    @Test func `status as JSON has the members and their roles`() async throws {
        try await FakeServer.run { server in
            let ended: Ended = await drover("cluster", "status", "--output", "json", server: server)
            let json: JSONValue = try JSONReader.parse(ended.out)
            #expect(json["clusterId"] == "0abc" && json["leader"] == "node1" && json["term"] == 3)
            #expect(json["members"]?.array?.compactMap { $0["id"]?.string } == ["node1", "node2"])
            #expect(json["members"]?.array?.compactMap { $0["role"]?.string } == ["leader", "learner"])
            #expect(json["links"] == nil && json["type"] == nil)
            let members: Ended = await drover("--output", "json", "cluster", "members", server: server)
            #expect(try JSONReader.parse(members.out).array?.count == 2)
            let yaml: Ended = await drover("cluster", "status", "--output", "yaml", server: server)
            #expect(yaml.out.contains("leader: node1"))
        }
    }

    @Test func `a token goes to standard output alone, so that scripts can take it`() async throws {
        try await FakeServer.run { server in
            let made: Ended = await drover("cluster", "token", "--role", "node", "--expires", "60", server: server)
            #expect(made.code == 0 && made.out == "drover-node-x\n" && made.error.contains("shown only now"))
            let json: Ended = await drover("cluster", "token", "--output", "json", server: server)
            let keys: [String]? = try JSONReader.parse(json.out).object?.keys
            #expect(keys == ["token", "expires"])
            #expect(
                server.clusterActions == [
                    #"createtoken {"role":"node","expiresSeconds":60}"#, #"createtoken {"role":"node"}"#,
                ]
            )
            let list: Ended = await drover("cluster", "token", "--list", server: server)
            #expect(list.out.contains("00ff") && list.code == 0)
            let revoked: Ended = await drover("cluster", "token", "--revoke", "00ff", server: server)
            #expect(revoked.code == 0 && server.clusterActions.last == #"revoketoken {"id":"00ff"}"#)
            #expect(await drover("cluster", "token", "--expires", "soon", server: server).code == 2)
        }
    }

    @Test func `changes name one node`() async throws {
        try await FakeServer.run { server in
            for (words, action) in [
                (["transfer", "node2"], #"transfer {"to":"node2"}"#),
                (["remove", "node2"], #"remove {"force":false,"name":"node2"}"#),
                (["promote", "node2"], #"promote {"name":"node2"}"#),
                (["drain", "node2"], #"drain {"name":"node2"}"#), (["undrain", "node2"], #"undrain {"name":"node2"}"#),
            ] {
                let ended: Ended = await drover("cluster", words[0], words[1], server: server)
                #expect(ended.code == 0 && ended.out.contains("node2"), "\(ended.error)")
                #expect(server.clusterActions.last == action)
                #expect(await drover("cluster", words[0], server: server).code == 2)
                #expect(await drover("cluster", words[0], "a", "b", server: server).code == 2)
            }
            let removed: Ended = await drover("cluster", "remove", "node2", server: server)
            #expect(removed.out == "node2 is removed\n")
            let noted: Ended = await drover("cluster", "remove", "node2", "--no-wait", server: server)
            #expect(noted.out.hasPrefix("node2 is being removed;"))
            _ = await drover("cluster", "remove", "node2", "--force", server: server)
            #expect(server.clusterActions.last == #"remove {"force":true,"name":"node2"}"#)
            let none: Ended = await drover("cluster", server: server)
            #expect(none.code == 2 && none.error.contains("status, members, token, transfer, remove"))
        }
    }
}
