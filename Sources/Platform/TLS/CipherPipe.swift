internal import COpenSSL

/// What stands between OpenSSL and the connection: bytes that came in and are lent to it, bytes that it wants sent.
///
/// It takes the place of OpenSSL's memory BIOs, which would copy everything once more each way.
final class CipherPipe {
    /// What OpenSSL may take now; empty outside a call that was given input.
    private var input: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
    private var taken: Int = 0
    /// Whether OpenSSL has taken all that was lent to it.
    var isExhausted: Bool { taken == input.count }
    /// The connection has ended: after `input` nothing comes.
    var hasEnded: Bool = false
    /// Records in the order in which OpenSSL made them.
    private(set) var output: [UInt8] = []

    /// Lends `bytes` to OpenSSL while `body` runs; returns how many it took.
    func lend<Result>(_ bytes: UnsafeRawBufferPointer, _ body: () -> Result) -> (result: Result, taken: Int) {
        input = bytes
        taken = 0
        defer { input = UnsafeRawBufferPointer(start: nil, count: 0) }
        let result: Result = body()
        return (result, taken)
    }

    /// Makes room for what is about to be encrypted.
    func reserve(_ plainBytes: Int) {
        // 5 bytes of header, 1 of type and 16 of tag for each record of 16 KiB.
        output.reserveCapacity(output.count + plainBytes + (plainBytes / 16_384 + 1) * 22)
    }

    /// Removes and returns what is to be sent.
    func takeOutput() -> [UInt8] {
        defer { output = [] }
        return output
    }

    /// Makes a BIO over this pipe, which must outlive it.
    func makeBIO() -> OpaquePointer? {
        guard let bio: OpaquePointer = BIO_new(PipeMethod.shared.pointer) else { return nil }
        BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        BIO_set_init(bio, 1)
        return bio
    }

    fileprivate func give(_ space: UnsafeMutablePointer<CChar>, _ size: Int) -> Int? {
        let count: Int = min(size, input.count - taken)
        guard count > 0, let start = input.baseAddress else { return hasEnded ? 0 : nil }
        UnsafeMutableRawPointer(space).copyMemory(from: start + taken, byteCount: count)
        taken += count
        return count
    }

    fileprivate func accept(_ bytes: UnsafePointer<CChar>, _ count: Int) {
        output.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: count))
    }

    fileprivate static func of(_ bio: OpaquePointer?) -> CipherPipe? {
        guard let bio, let data = BIO_get_data(bio) else { return nil }
        return Unmanaged<CipherPipe>.fromOpaque(data).takeUnretainedValue()
    }
}

/// The functions by which OpenSSL reaches a ``CipherPipe``.
///
/// `@unchecked Sendable`: the table is never changed or freed after `init`.
private struct PipeMethod: @unchecked Sendable {
    static let shared = PipeMethod()
    let pointer: OpaquePointer

    private init() {
        guard let method: OpaquePointer = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "pipe") else {
            preconditionFailure("OpenSSL has no memory for a table of functions")
        }
        BIO_meth_set_read(method) { bio, space, size in
            guard let bio, let space, size > 0, let pipe = CipherPipe.of(bio) else { return -1 }
            copenssl_bio_clear_retry(bio)
            guard let count = pipe.give(space, Int(size)) else {
                copenssl_bio_retry_read(bio)
                return -1
            }
            return Int32(count)
        }
        BIO_meth_set_write(method) { bio, bytes, count in
            guard let bio, let bytes, count > 0, let pipe = CipherPipe.of(bio) else { return -1 }
            copenssl_bio_clear_retry(bio)
            pipe.accept(bytes, Int(count))
            return count
        }
        BIO_meth_set_ctrl(method) { bio, command, _, _ in
            switch command {
            case BIO_CTRL_FLUSH: 1
            case BIO_CTRL_EOF: CipherPipe.of(bio)?.hasEnded == true ? 1 : 0
            default: 0
            }
        }
        pointer = method
    }
}
