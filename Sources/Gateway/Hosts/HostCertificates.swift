import Certificates
import JSON
import Limits
import Model
import RBAC
import Store
import StoreFormat

/// Certificates of hosts: the number in them is the server's word, never the request's.
enum HostCertificates {
    /// A host that is known gets a new certificate; its older ones stay valid until they expire.
    static func renew(_ exchange: inout Exchange, _ gateway: Gateway) async throws(Problem) -> Answer {
        guard exchange.method == "POST", exchange.path.id == nil else {
            throw .methodNotAllowed("Hosts ask for a certificate with POST.")
        }
        guard exchange.rights.canEver(.create, "hostCertificate"), let host: UInt64 = exchange.caller.subject.hostID
        else { throw .forbidden("Only hosts get host certificates.") }
        guard let definition: ResourceDefinition = Schemas.definition("hostCertificate") else { throw .fault }
        let body: JSONObject = try exchange.body()
        let values: JSONObject
        do throws(ValidationProblem) {
            values = try Validation.create(
                definition,
                body: body,
                context: ValidationContext(now: 0, exists: { _, _ in false })
            )
        } catch {
            throw Problem(validation: error)
        }
        guard let request: [UInt8] = try request(values), let issuing = gateway.certificates else {
            throw .unavailable("This cluster has no authority that could issue certificates.")
        }
        // In the log before it is made: a removal that comes first wins, and no certificate is without its audit record.
        _ = try await Changing.commit(&exchange, gateway) { (current) throws(Problem) in
            try plan(host, current, issuing.marks(in: current.view))
        }
        let issued: IssuedCertificate = try issue(request, host, exchange, issuing)
        var document: JSONObject = [
            "type": "hostCertificate", "baseType": "hostCertificate", "links": [:], "actions": [:],
            "hostId": .string(ResourceID(number: host).rendered("h")),
        ]
        append(issued, to: &document)
        return .document(status: 201, .object(document))
    }

    private static func plan(
        _ host: UInt64,
        _ exchange: Exchange,
        _ marks: JSONObject
    ) throws(Problem) -> PlannedChange {
        let key = RecordKey(.host, host)
        guard exchange.rights.mayStream(host: host), let record: Record = exchange.view.get(key),
            var stored = try? HostRecord(document: record.document), stored.removed == nil
        else { throw .forbidden("The host was removed: it gets no certificate.") }
        var change = PlannedChange(subject: .existing(key), verb: "certify", type: "host")
        change.decision = exchange.rights.decide(.create, "hostCertificate").description
        change.preconditions = [.revision(key, record.revision)]
        let before: JSONObject = stored.fields
        for (name, value) in marks { stored.fields[name] = value }
        if stored.fields != before {
            change.writes = [RecordWriting.put(.host, .known(host), stored.fields, scope: .known(record.scope))]
        }
        return change
    }

    /// The request for a certificate among validated values, looked at before anything is changed; nil when there is none.
    static func request(_ values: JSONObject) throws(Problem) -> [UInt8]? {
        guard let text: String = values["certificateRequest"]?.string else { return nil }
        do {
            _ = try CertificateRequest(pem: Array(text.utf8))
        } catch {
            throw .validation(
                .invalidFormat,
                field: "certificateRequest",
                message: "No certificate request in PEM: \(error)"
            )
        }
        return Array(text.utf8)
    }

    static func issue(
        _ request: [UInt8],
        _ host: UInt64,
        _ exchange: Exchange,
        _ issuing: any CertificateIssuing
    ) throws(Problem) -> IssuedCertificate {
        do throws(CertificateRefusal) {
            return try issuing.issueHostCertificate(request: request, host: host, now: exchange.time)
        } catch {
            throw problem(error)
        }
    }

    static func problem(_ refusal: CertificateRefusal) -> Problem {
        switch refusal {
        case .invalid(let reason):
            .validation(.invalidFormat, field: "certificateRequest", message: "\(reason).")
        case .unavailable(let reason):
            .unavailable("No certificate can be issued now: \(reason). Ask again, or ask another node.")
        }
    }

    static func append(_ issued: IssuedCertificate, to document: inout JSONObject) {
        document.append("certificate", .string(String(decoding: issued.certificate, as: UTF8.self)))
        document.append("authority", .string(String(decoding: issued.authority, as: UTF8.self)))
    }
}
