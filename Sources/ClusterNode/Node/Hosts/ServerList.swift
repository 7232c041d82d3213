import Gateway
import Model
import Store
import StoreFormat

/// Where the cluster's gateways answer, from the records of its nodes.
struct ServerList: ServerAddresses {
    let store: Store

    var baseURLs: [String] {
        store.view.records(in: .node).flatMap { record -> [String] in
            guard let node = try? NodeRecord(document: record.document), node.removed == nil else { return [] }
            return [node.http.map { "http://\($0)" }, node.https.map { "https://\($0)" }].compactMap { $0 }
        }
    }
}
