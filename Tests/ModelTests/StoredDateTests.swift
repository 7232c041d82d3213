import Model
import Testing

struct StoredDateTests {
    static let known: [(Int64, String)] = [
        (0, "1970-01-01T00:00:00Z"), (1_492_848_000_000, "2017-04-22T08:00:00Z"),
        (951_782_400_000, "2000-02-29T00:00:00Z"), (951_868_800_000, "2000-03-01T00:00:00Z"),
        (-1000, "1969-12-31T23:59:59Z"), (4_107_542_400_000, "2100-03-01T00:00:00Z"),
        (4_107_456_000_000, "2100-02-28T00:00:00Z"), (2_147_483_647_000, "2038-01-19T03:14:07Z"),
        (253_402_300_799_000, "9999-12-31T23:59:59Z"), (-62_167_219_200_000, "0000-01-01T00:00:00Z"),
        (-11_644_473_600_000, "1601-01-01T00:00:00Z"),
    ]

    @Test(arguments: known)
    func `a time is spelt as the calendar has it`(_ milliseconds: Int64, _ text: String) {
        #expect(StoredDate.text(milliseconds) == text)
        #expect(StoredDate.milliseconds(text) == milliseconds)
    }

    @Test func `every day of two eras follows the one before`() {
        // An independent walk: count days by month lengths from 1600-01-01 to 2400-01-01.
        var time: Int64 = -11_676_096_000_000
        for year in 1600..<2400 {
            let isLeap: Bool = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            for (month, length) in [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].enumerated() {
                func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
                // The first and the last day of each month, a millisecond before its end.
                let last: Int64 = time + Int64(length) * 86_400_000 - 1
                #expect(StoredDate.text(time) == "\(year)-\(two(month + 1))-01T00:00:00Z")
                #expect(StoredDate.text(last) == "\(year)-\(two(month + 1))-\(two(length))T23:59:59Z")
                #expect(StoredDate.milliseconds(StoredDate.text(last)) == last - 999)
                time = last + 1
            }
        }
    }

    @Test(arguments: [Int64.min, Int64.max, 253_402_300_800_000, -62_167_219_201_000])
    func `a time out of range shows the nearest in it`(_ milliseconds: Int64) {
        #expect(StoredDate.milliseconds(StoredDate.text(milliseconds)) != nil)
    }

    @Test(arguments: [
        "", "2017-04-22", "2017-04-22 08:00:00Z", "2017-04-22T08:00:00", "2017-04-22T08:00:00z", "2017-13-01T00:00:00Z",
        "2017-00-01T00:00:00Z", "2017-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2017-04-31T00:00:00Z",
        "2017-04-22T24:00:00Z", "2017-04-22T08:60:00Z", "2017-04-22T08:00:60Z", "2017-04-00T08:00:00Z",
        "+017-04-22T08:00:00Z", "2017-04-22T08:00:00Z ", "２017-04-22T08:00Z",
    ])
    func `what is no such time is refused`(_ text: String) {
        #expect(StoredDate.milliseconds(text) == nil)
    }
}
