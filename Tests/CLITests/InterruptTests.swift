import Glibc
import Testing

@testable import CLI

struct InterruptTests {
    @Test func `a signal cancels the command and nothing else`() async throws {
        await #expect(throws: CancellationError.self) {
            _ = try await Interrupts.cancelling {
                kill(getpid(), SIGINT)
                try await Task.sleep(for: .seconds(10))
                return 0
            }
        }
        #expect(try await Interrupts.cancelling { 7 } == 7)
    }
}
