import Limits
import Services
import Testing

@Suite struct WorkQueueTests {
    private static func queue(_ items: [WorkItem]) -> WorkQueue {
        var queue = WorkQueue()
        queue.add(items)
        return queue
    }

    @Test func `all of a round has its turn before what comes meanwhile`() {
        var queue: WorkQueue = Self.queue([WorkItem(.service, 1), WorkItem(.instance, 9), WorkItem(.instance, 2)])
        #expect(queue.next() == WorkItem(.instance, 2))
        queue.add([WorkItem(.instance, 1), WorkItem(.instance, 2)])
        #expect(queue.next() == WorkItem(.instance, 9))
        #expect(queue.next() == WorkItem(.service, 1))
        #expect(!queue.isIdle)
        #expect(queue.next() == WorkItem(.instance, 1))
        #expect(queue.next() == WorkItem(.instance, 2))
        #expect(queue.next() == nil)
        #expect(queue.isIdle)
    }

    @Test func `what is asked for again before its turn is done once`() {
        var queue: WorkQueue = Self.queue([WorkItem(.instance, 1), WorkItem(.instance, 2)])
        #expect(queue.next() == WorkItem(.instance, 1))
        queue.add([WorkItem(.instance, 2)])
        queue.put(WorkItem(.instance, 2), off: 500, at: 0)
        #expect(queue.next() == WorkItem(.instance, 2))
        #expect(queue.next() == nil)
        #expect(queue.earliest == nil)
    }

    @Test func `what nobody heard of is tried again after a second, and an invalid plan after a minute`() {
        for (ending, wait) in [(WorkQueue.Ending.unheard, 1_000), (.invalid, 60_000)] as [(WorkQueue.Ending, Int64)] {
            var queue: WorkQueue = Self.queue([WorkItem(.instance, 1)])
            let item: WorkItem? = queue.next()
            #expect(item == WorkItem(.instance, 1))
            queue.end(WorkItem(.instance, 1), ending, at: 7_000)
            #expect(queue.earliest == 7_000 + wait)
            queue.wake(at: 7_000 + wait - 1)
            #expect(queue.isIdle)
            queue.wake(at: 7_000 + wait)
            #expect(queue.earliest == nil)
            #expect(queue.next() == WorkItem(.instance, 1))
        }
    }

    @Test func `a plan that asks for a time in the past is run at once`() {
        var queue = WorkQueue()
        queue.put(WorkItem(.instance, 1), off: -3_600_000, at: 50)
        queue.wake(at: 50)
        #expect(queue.next() == WorkItem(.instance, 1))
    }

    @Test func `what is refused again and again is left alone for a second`() {
        var queue: WorkQueue = Self.queue([WorkItem(.service, 3)])
        for _ in 0..<Limits.conflictRetries {
            #expect(queue.next() == WorkItem(.service, 3))
            let isHopeless: Bool = queue.end(WorkItem(.service, 3), .refused, at: 100)
            #expect(!isHopeless)
            #expect(queue.earliest == nil)
        }
        #expect(queue.next() == WorkItem(.service, 3))
        let isHopeless: Bool = queue.end(WorkItem(.service, 3), .refused, at: 100)
        #expect(isHopeless)
        #expect(queue.next() == nil)
        #expect(queue.earliest == 1_100)
        // Once it went well it may be refused as often again.
        queue.wake(at: 1_100)
        #expect(queue.next() == WorkItem(.service, 3))
        queue.end(WorkItem(.service, 3), .done, at: 1_200)
        queue.add([WorkItem(.service, 3)])
        #expect(queue.next() == WorkItem(.service, 3))
        let isHopelessAgain: Bool = queue.end(WorkItem(.service, 3), .refused, at: 1_300)
        #expect(!isHopelessAgain)
    }

    @Test func `a queue that is cleared wants nothing any more`() {
        var queue: WorkQueue = Self.queue([WorkItem(.service, 3), WorkItem(.service, 4)])
        #expect(queue.next() == WorkItem(.service, 3))
        queue.put(WorkItem(.service, 3), off: 10, at: 0)
        queue.clear()
        #expect(queue.isIdle)
        #expect(queue.earliest == nil)
        #expect(queue.next() == nil)
    }
}
