@testable import Gateway
import Model
import StoreFormat
import Testing

@Suite struct CoalescerTests {
    private let key = RecordKey(.stack, 7)

    @Test func `the first change is told now, those within its second wait together`() {
        var coalescer = ChangeCoalescer()
        let told1: Bool = coalescer.changed(key, now: 1_000)
        #expect(told1)
        #expect(coalescer.nextDue == nil)
        let told2: Bool = coalescer.changed(key, now: 1_001)
        #expect(!told2)
        let told3: Bool = coalescer.changed(key, now: 1_900)
        #expect(!told3)
        #expect(coalescer.nextDue == 2_000)
        let told4: [RecordKey] = coalescer.due(1_999)
        #expect(told4.isEmpty)
        let told5: [RecordKey] = coalescer.due(2_000)
        #expect(told5 == [key])
        let told6: [RecordKey] = coalescer.due(9_999)
        #expect(told6.isEmpty)
        let told7: Bool = coalescer.changed(key, now: 2_500)
        #expect(!told7, "a second from the last telling on")
        #expect(coalescer.nextDue == 3_000)
    }

    @Test func `after a quiet second a change is told at once again`() {
        var coalescer = ChangeCoalescer()
        let told8: Bool = coalescer.changed(key, now: 0)
        #expect(told8)
        let told9: Bool = coalescer.changed(key, now: 1_000)
        #expect(told9)
        let told10: Bool = coalescer.changed(RecordKey(.stack, 8), now: 1_000)
        #expect(told10)
    }

    @Test func `a clock that is set back keeps nothing waiting`() {
        var coalescer = ChangeCoalescer()
        let told11: Bool = coalescer.changed(key, now: 1_000_000)
        #expect(told11)
        let told12: Bool = coalescer.changed(key, now: 5)
        #expect(told12)
    }

    @Test func `what waits already when a clock is set back is told within its second, too`() {
        var coalescer = ChangeCoalescer()
        _ = coalescer.changed(key, now: 10_000_000)
        let told14: Bool = coalescer.changed(key, now: 10_000_001)
        #expect(!told14)
        let told15: [RecordKey] = coalescer.due(3_000)
        #expect(told15 == [key])
        #expect(coalescer.nextDue == nil)
    }

    @Test func `many changes share few moments`() {
        var coalescer = ChangeCoalescer()
        for number in 0..<2_000 {
            _ = coalescer.changed(RecordKey(.instance, UInt64(number)), now: Int64(number / 2))
            _ = coalescer.changed(RecordKey(.instance, UInt64(number)), now: Int64(number / 2))
        }
        var moments: Int = 0
        while let due: Int64 = coalescer.nextDue {
            moments += 1
            let told13: [RecordKey] = coalescer.due(due)
            #expect(!told13.isEmpty)
        }
        #expect(moments <= 21)
    }

    @Test func `what was told long ago is forgotten`() {
        var coalescer = ChangeCoalescer()
        for number in 0..<200_000 { _ = coalescer.changed(RecordKey(.instance, UInt64(number)), now: Int64(number)) }
        #expect(coalescer.rememberedCount < 10_000)
    }
}
