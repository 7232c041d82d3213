import JSON
import Model
import RBAC
import Store
import StoreFormat

/// How a stack is shared, said of everything in it.
enum StackSharing {
    /// Adds what rules ask for: `sharing` and `sharedWith` of the object's stack; what is in no stack is the environment's
    /// to see.
    static func add(to object: inout AccessObject, in view: StoreView) {
        if object.type != "stack", let stack: UInt64 = object.members["stackId"]?.int.flatMap({ UInt64(exactly: $0) }) {
            let fields: JSONObject? = view.get(RecordKey(.stack, stack)).flatMap {
                try? JSONReader.parse($0.document).object
            }
            object.members["sharing"] = fields?["sharing"]
            object.members["sharedWith"] = fields?["sharedWith"]
        }
        if object.members["sharing"]?.string == nil { object.members["sharing"] = "project" }
    }
}
