package import Bytes
import Limits

extension AuditRecord {
    /// Shape: event, type, resource id?, created resource?, description, auth type, credential, client
    /// address, decision, request object.
    package func encode(into writer: inout ByteWriter) {
        writer.string(eventType)
        writer.string(resourceType)
        writer.optional(resourceID) { $0.varint($1) }
        writer.optional(createdResource) { $0.count($1) }
        writer.string(description)
        writer.string(authType)
        writer.string(credential)
        writer.string(clientIP)
        writer.string(decision)
        writer.byteString(requestObject)
    }

    package init(from reader: inout ByteReader) throws(DecodingFault) {
        let text: Int = Limits.transactionTextBytes
        let eventType: String = try reader.exactText(limit: text, of: "an event type")
        let resourceType: String = try reader.exactText(limit: text, of: "a resource type")
        let resourceID: UInt64? = try reader.optional { (field) throws(DecodingFault) in try field.exactVarint() }
        let start: Int = reader.offset
        let created: UInt64? = try reader.optional { (field) throws(DecodingFault) in try field.exactVarint() }
        if let created, created >= UInt64(Limits.transactionWrites) {
            throw .malformed(offset: start, expected: "a created number below \(Limits.transactionWrites)")
        }
        self.init(
            eventType: eventType,
            resourceType: resourceType,
            resourceID: resourceID,
            createdResource: created.map { Int($0) },
            description: try reader.exactText(limit: text, of: "a description"),
            authType: try reader.exactText(limit: text, of: "an authentication type"),
            credential: try reader.exactText(limit: text, of: "a credential"),
            clientIP: try reader.exactText(limit: text, of: "a client address"),
            decision: try reader.exactText(limit: text, of: "a decision"),
            requestObject: try reader.exactBytes(limit: Limits.recordBytes, of: "a request object")
        )
    }
}
