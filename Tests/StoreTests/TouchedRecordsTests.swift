import StoreFormat
import Testing

@testable import Store

/// Few keys are searched for and many are looked up; nobody can tell which.
struct TouchedRecordsTests {
    @Test(arguments: 1...20)
    func `a key that is set again keeps its place`(count: Int) {
        var touched = TouchedRecords()
        let keys: [RecordKey] = (1...count).map { RecordKey(services, UInt64(100 - $0)) }
        for key in keys {
            #expect(touched.entry(key)?.key == nil)
            touched.set(key, nil)
            #expect(touched.entry(key)?.key == key)
        }
        for key in keys.reversed() { touched.set(key, nil) }
        #expect(touched.entries.map(\.key) == keys)
        #expect(touched.entry(RecordKey(stacks, 99))?.key == nil)
    }
}
