import HTTP

/// Says how many bytes of a body came as a stream, of how many that were announced, and their sum.
enum SummedBody {
    static func sum(_ bytes: [UInt8], _ sum: Int = 0) -> Int {
        bytes.reduce(sum) { ($0 &* 31 &+ Int($1)) & 0xFFFF_FFFF }
    }

    /// `<announced, or unknown> <bytes> <sum>`; `whole <bytes>` for a body that came as no stream.
    static let handler: HTTPServer.Handler = { request, _ in
        guard let stream: BodyStream = request.bodyStream else { return .text(200, "whole \(request.body.count)") }
        var (count, sum): (Int, Int) = (0, 0)
        do {
            while let piece: [UInt8] = try await stream.next() {
                count += piece.count
                sum = SummedBody.sum(piece, sum)
            }
        } catch let refusal as HTTPRefusal {
            return .text(refusal.status, refusal.message)
        } catch {
            return .text(500, "\(error)")
        }
        return .text(200, "\(stream.length.map(String.init) ?? "unknown") \(count) \(sum)")
    }
}
