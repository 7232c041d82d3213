import Testing

@testable import HTTP2

@Suite struct TokenBucketTests {
    private func take(_ bucket: inout TokenBucket, _ now: UInt64) -> Bool { bucket.take(now: now) }

    @Test func `so many at once, then so many a second`() {
        var bucket = TokenBucket(capacity: 3, perSecond: 2)
        let start: UInt64 = 5_000_000_000
        let first: [Bool] = (0..<4).map { _ in bucket.take(now: start) }
        #expect(first == [true, true, true, false])
        #expect(take(&bucket, start + 400_000_000) == false)
        #expect(take(&bucket, start + 500_000_000) == true)
        #expect(take(&bucket, start + 500_000_000) == false)
    }

    @Test func `what is not used does not pile up`() {
        var bucket = TokenBucket(capacity: 2, perSecond: 100)
        #expect(take(&bucket, 1) == true)
        bucket.give(1_000)
        let late: UInt64 = 3_600_000_000_000
        let taken: [Bool] = (0..<3).map { _ in bucket.take(now: late) }
        #expect(taken == [true, true, false])
    }

    @Test func `a clock that stands still or goes back gives nothing`() {
        var bucket = TokenBucket(capacity: 1, perSecond: 1_000)
        #expect(take(&bucket, 2_000_000_000) == true)
        #expect(take(&bucket, 1_000_000_000) == false)
        #expect(take(&bucket, 2_000_000_000) == false)
    }
}
