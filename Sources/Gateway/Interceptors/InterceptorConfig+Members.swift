import JSON
import Limits

extension InterceptorConfig {
    /// The members of one object of the configuration; their names are compared without regard to case (contract A20).
    struct Members {
        let place: String
        private let object: JSONObject

        init(_ object: JSONObject, place: String) {
            self.object = object
            self.place = place
        }

        func fault(_ name: String, _ reason: String) -> Fault {
            Fault(place: place.isEmpty ? name : "\(place).\(name)", reason: reason)
        }

        /// nil for one that is absent or null.
        private func value(_ name: String) -> JSONValue? {
            let lower: String = name.lowercased()
            let found: JSONValue? = object[name] ?? object.first { $0.0.lowercased() == lower }?.1
            return found?.isNull == true ? nil : found
        }

        /// A line for each member that nobody reads: a slip of the pen there would go unseen.
        func unknown(_ known: [String]) -> [String] {
            let lower: [String] = known.map { $0.lowercased() }
            return object.keys.filter { !lower.contains($0.lowercased()) }.map {
                "\(place.isEmpty ? "" : "\(place).")\($0): there is no such member; it is ignored"
            }
        }

        func text(_ name: String) throws(Fault) -> String? {
            guard let value: JSONValue = value(name) else { return nil }
            guard let text: String = value.string else { throw fault(name, "it must be a string") }
            guard text.utf8.count <= 4_096 else { throw fault(name, "it is longer than 4096 bytes") }
            return text
        }

        func flag(_ name: String) throws(Fault) -> Bool? {
            guard let value: JSONValue = value(name) else { return nil }
            guard let flag: Bool = value.bool else { throw fault(name, "it must be true or false") }
            return flag
        }

        func audience() throws(Fault) -> String? {
            guard let text: String = try text("audience") else { return nil }
            guard (1...256).contains(text.utf8.count), text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
                throw fault("audience", "it has 1 to 256 printable ASCII characters")
            }
            return text
        }

        func option<Option: RawRepresentable<String>>(_ name: String) throws(Fault) -> Option? {
            guard let text: String = try text(name) else { return nil }
            guard let option = Option(rawValue: text) else { throw fault(name, "\(text) is none of its values") }
            return option
        }

        private func array(_ name: String, _ limit: Int) throws(Fault) -> [JSONValue] {
            guard let value: JSONValue = value(name) else { return [] }
            guard let array: [JSONValue] = value.array else { throw fault(name, "it must be a list") }
            guard array.count <= limit else { throw fault(name, "it has more than \(limit) elements") }
            return array
        }

        func objects(_ name: String, _ limit: Int) throws(Fault) -> [Members] {
            var result: [Members] = []
            for (index, element) in try array(name, limit).enumerated() {
                guard let object: JSONObject = element.object else {
                    throw fault("\(name)[\(index)]", "it must be an object")
                }
                result.append(Members(object, place: "\(name)[\(index)]"))
            }
            return result
        }

        func texts(_ name: String) throws(Fault) -> [String] {
            var result: [String] = []
            for (index, element) in try array(name, Limits.interceptorPaths).enumerated() {
                guard let text: String = element.string else { throw fault("\(name)[\(index)]", "it must be a string") }
                result.append(text)
            }
            return result
        }

        func templates() throws(Fault) -> [PathTemplate] {
            var result: [PathTemplate] = []
            for (index, text) in try texts("paths").enumerated() {
                do throws(PathFault) {
                    result.append(try PathTemplate(text))
                } catch {
                    throw fault("paths[\(index)]", "\(text): \(error.reason)")
                }
            }
            return result
        }

        func address(_ name: String, _ allowed: [AddressRange]) throws(Fault) -> OutboundAddress {
            guard let text: String = try text(name), !text.isEmpty else { throw fault(name, "it is required") }
            let address: OutboundAddress
            do throws(PathFault) {
                address = try OutboundAddress(text)
            } catch {
                throw fault(name, error.reason)
            }
            if NumericAddress(address.host) != nil,
                let refusal: String = AddressRule.refusal(of: address.host, allowed: allowed)
            {
                throw fault(name, refusal)
            }
            return address
        }

        func addresses() throws(Fault) -> [AddressRange] {
            var result: [AddressRange] = []
            for (index, text) in try texts("allowAddresses").enumerated() {
                guard let range = AddressRange(text) else {
                    throw fault("allowAddresses[\(index)]", "\(text) is no address and no block such as 10.0.0.0/8")
                }
                result.append(range)
            }
            return result
        }

        /// Whole seconds as a text; what is none counts as the default (contract A20).
        func timeout(_ warnings: inout [String]) throws(Fault) -> Int {
            if let value: JSONValue = value("timeout"), value.string == nil {
                throw fault("timeout", "it must be a string of whole seconds, such as \"5\"")
            }
            let text: String = try text("timeout") ?? ""
            guard let seconds = Int(text), seconds > 0 else {
                if !text.isEmpty, text != "0" {
                    warnings.append(
                        "\(place).timeout: \(text) is no number of seconds; it is \(Limits.interceptorSeconds)"
                    )
                }
                return Limits.interceptorSeconds * 1_000
            }
            if seconds > Limits.interceptorSeconds {
                warnings.append("\(place).timeout: nobody waits longer than \(Limits.interceptorSeconds) seconds")
            }
            return min(seconds, Limits.interceptorSeconds) * 1_000
        }
    }
}
