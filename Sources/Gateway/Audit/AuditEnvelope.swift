import JSON
import Limits
import Model

/// What an audit record says besides its own fields: the request, and under which circumstances it was made.
///
/// Shape, as the record's request object: the request alone where there is no more to say, else
/// `{"$audit": 1, "project": 5, "interceptors": […], "bypass": "…", "certificate": "…",
/// "request": {…}}`. No field of a request is named with a `$`.
struct AuditEnvelope: Sendable {
    private static let mark: String = "$audit"

    /// Secrets masked.
    var request: JSONObject
    /// The environment that the change was made in.
    var project: UInt64?
    /// What each interceptor said.
    var interceptors: [JSONValue] = []
    /// Why interceptors were passed.
    var bypass: String?
    /// The serial number of the certificate that the caller showed.
    var certificate: String?

    init(_ request: JSONObject, _ exchange: Exchange) {
        self.request = request
        project = exchange.projectNumber
        interceptors = exchange.interception?.steps ?? []
        bypass = exchange.interception?.bypass
        certificate = exchange.certificateSerial
    }

    /// What a record holds; one of before has the request alone.
    init(reading bytes: [UInt8]) {
        let object: JSONObject = bytes.isEmpty ? [:] : (try? JSONReader.parse(bytes))?.object ?? [:]
        guard object[Self.mark]?.int == 1 else {
            request = object
            return
        }
        request = object["request"]?.object ?? [:]
        project = object["project"]?.int.flatMap { UInt64(exactly: $0) }
        interceptors = object["interceptors"]?.array ?? []
        bypass = object["bypass"]?.string
        certificate = object["certificate"]?.string
    }

    var bytes: [UInt8] {
        guard project != nil || !interceptors.isEmpty || bypass != nil || certificate != nil else {
            return Masking.written(request)
        }
        var object: JSONObject = [Self.mark: 1]
        if let project { object.append("project", JSONValue(project)) }
        if !interceptors.isEmpty { object.append("interceptors", .array(interceptors)) }
        if let bypass { object.append("bypass", .string(bypass)) }
        if let certificate { object.append("certificate", .string(certificate)) }
        if !request.isEmpty {
            // What is too long leaves only its length.
            object.append("request", (try? JSONReader.parse(Masking.written(request))) ?? [:])
        }
        return JSONWriter.bytes(.object(object))
    }
}
