import HTTP
import JSON

/// The members that a request carries, whichever way: query parameters, beneath a form or a JSON document.
///
/// Source: contract A3. Whatever a client sends costs no more than one pass: nothing here searches a list for each
/// member.
enum RequestBody {
    /// - Throws: 400 with the position for malformed JSON, or for a form that is none. A document that is no object counts
    ///   as empty.
    static func members(_ request: HTTPRequest, _ query: QueryItems) throws(Problem) -> JSONObject {
        let parameters: [QueryItems.Item] = query.items.filter { !$0.name.hasPrefix("_") && $0.name != "action" }
        guard !request.body.isEmpty else { return merged([:], over: parameters) }
        let type: String = request.headers["content-type"]?.lowercased() ?? ""
        if type.hasPrefix("multipart/form-data") {
            let form = try MultipartForm(request.body, contentType: request.headers["content-type"] ?? "")
            return merged([:], over: parameters + form.items.filter { !$0.name.hasPrefix("_") })
        }
        if type.hasPrefix("multipart/") {
            throw Problem(
                status: 415,
                code: "Unsupported Media Type",
                message: "Of multipart bodies only multipart/form-data is read here: send application/json."
            )
        }
        // Some clients send JSON under the type of forms; no form begins with a brace.
        if type.hasPrefix("application/x-www-form-urlencoded"), request.body.first != UInt8(ascii: "{") {
            guard let text = String(validating: request.body, as: UTF8.self), let form = QueryItems(text) else {
                throw .invalidBody("The form in the body has an invalid escape or is not UTF-8.")
            }
            // `_method` has had its effect before; the rest of these names are requests to the API, not members.
            return merged([:], over: parameters + form.items.filter { !$0.name.hasPrefix("_") })
        }
        do throws(JSONError) {
            return merged(try JSONReader.parse(request.body).object ?? [:], over: parameters)
        } catch {
            throw .invalidBody("The body is not JSON: \(error).")
        }
    }

    /// The members of `object`, then the items that it does not have; of several items of one name the last counts.
    private static func merged(_ object: JSONObject, over items: [QueryItems.Item]) -> JSONObject {
        guard !items.isEmpty else { return object }
        var last: [String: String] = [:]
        for item in items { last[item.name] = item.value }
        for key in object.keys { last[key] = nil }
        var result: JSONObject = object
        for item in items {
            if let value: String = last.removeValue(forKey: item.name) { result.append(item.name, .string(value)) }
        }
        return result
    }
}
