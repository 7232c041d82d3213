import TestSupport
import Testing

@testable import Store

struct OrderedTreeTests {
    private static func content(_ tree: OrderedTree<Int, Int>) -> [[Int]] {
        var found: [[Int]] = []
        tree.forEach { key, value in
            found.append([key, value])
            return true
        }
        return found
    }

    @Test(arguments: [30, 400, 5000])
    func `a tree is a dictionary in order, and its copies stay as they were`(range: Int) {
        var random = Seeded(UInt64(range))
        var tree: OrderedTree<Int, Int> = OrderedTree()
        var model: [Int: Int] = [:]
        var copies: [(OrderedTree<Int, Int>, [Int: Int])] = []
        for step in 0..<8_000 {
            let key: Int = Int.random(in: 0..<range, using: &random)
            // Growing and shrinking in turns, so that nodes split and merge.
            let growing: Bool = (step / 2_000) % 2 == 0
            if Int.random(in: 0..<10, using: &random) < (growing ? 7 : 2) {
                tree.set(key, step)
                model[key] = step
            } else {
                tree.remove(key)
                model[key] = nil
            }
            if step % 1_000 == 999 { copies.append((tree, model)) }
        }
        for (copy, expected) in copies {
            #expect(copy.count == expected.count)
            #expect(Self.content(copy) == expected.sorted { $0.key < $1.key }.map { [$0.key, $0.value] })
            let misses: [Int] = (-1...range).filter { copy[$0] != expected[$0] }
            #expect(misses.isEmpty)
        }
    }

    @Test func `ascending and descending keys, then all removed from either end`() {
        for keys in [Array(0..<3_000), Array((0..<3_000).reversed())] {
            var tree: OrderedTree<Int, Int> = OrderedTree()
            for key in keys { tree.set(key, key) }
            #expect(Self.content(tree).map { $0[0] } == Array(0..<3_000))
            for key in keys { tree.remove(key) }
            #expect(tree.count == 0 && Self.content(tree).isEmpty)
            tree.set(7, 7)
            #expect(tree[7] == 7)
        }
    }

    @Test func `a walk starts at the first key that is not below the start, and ends when told`() {
        var tree: OrderedTree<Int, Int> = OrderedTree()
        for key in stride(from: 0, to: 4_000, by: 2) { tree.set(key, key) }
        for start in [-5, 0, 1, 62, 63, 64, 65, 2_001, 3_998, 3_999] {
            var found: [Int] = []
            tree.forEach(from: start) { key, _ in
                found.append(key)
                return found.count < 3
            }
            let first: Int = max(0, (start + 1) / 2 * 2)
            #expect(found == [first, first + 2, first + 4].filter { $0 < 4_000 })
        }
    }
}
