import JSON

/// JSON out of any bytes: no crash, and what was read is read again from what is written of it.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let bytes: [UInt8] = Array(UnsafeBufferPointer(start: data, count: size))
    // Reading one member must not find what reading all does not.
    let member: JSONValue? = (try? JSONReader.member("name", of: bytes)) ?? nil
    guard let value: JSONValue = try? JSONReader.parse(bytes) else { return 0 }
    let written: [UInt8] = JSONWriter.bytes(value)
    guard let again: JSONValue = try? JSONReader.parse(written), again == value else {
        fatalError("\(value) was written as \(String(decoding: written, as: UTF8.self))")
    }
    if let object: JSONObject = value.object, object["name"] != member {
        fatalError("the member is \(object["name"].debugDescription), and alone \(member.debugDescription)")
    }
    return 0
}
