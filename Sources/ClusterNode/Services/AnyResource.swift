import JSON
import Model

/// A desired record of whatever type, for what all of them have.
struct AnyResource: ResourceRecord {
    var fields: JSONObject
    init(fields: JSONObject) { self.fields = fields }
}
