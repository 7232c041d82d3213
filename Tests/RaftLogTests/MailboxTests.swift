import Glibc
import RaftLog
import Testing

@Suite(.timeLimit(.minutes(1)))
struct MailboxTests {
    @Test func `what can wait wakes nobody, and comes with what cannot`() async {
        let box = Mailbox<Int>()
        let taken = Mailbox<[Int]>()
        let thread = WorkerThread {
            while let items: [Int] = box.take() { taken.post(items) }
            taken.close()
        }
        while !box.isAwaited { sched_yield() }
        box.post(1, canWait: true)
        box.post(2, canWait: true)
        #expect(taken.take(until: MonotonicTime.now + 20_000_000) == [])
        box.post(3)
        #expect(taken.take() == [[1, 2, 3]])
        box.close()
        thread.join()
    }

    @Test func `what can wait is there at the deadline`() {
        let box = Mailbox<Int>()
        box.post(1, canWait: true)
        #expect(box.take(until: MonotonicTime.now) == [1])
    }
}
