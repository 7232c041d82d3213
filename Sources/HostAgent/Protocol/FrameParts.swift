import JSON
import Limits

/// Cuts long lists into frames that a stream takes.
private struct PartSizes {
    /// For the envelope and the members that are not lists.
    static let reservedBytes: Int = 4 * 1024

    let limitBytes: Int
    private var usedBytes: Int = 0

    init(limitBytes: Int) { self.limitBytes = max(1, limitBytes - Self.reservedBytes) }

    /// Whether a new part must begin before an element of this size.
    mutating func mustBreak(before element: JSONValue) -> Bool {
        let size: Int = JSONWriter.bytes(element).count + 1
        if usedBytes > 0, usedBytes + size > limitBytes {
            usedBytes = size
            return true
        }
        usedBytes += size
        return false
    }
}

extension Sync {
    /// The same sync as parts of at most `limitBytes` each, as one frame's encoding; there is at least one.
    package func parts(limitBytes: Int = Limits.hostFrameBytes) -> [Sync] {
        var parts: [Sync] = []
        var part = Sync(isFull: isFull, since: since, isLast: false, instances: [])
        var sizes = PartSizes(limitBytes: limitBytes)
        func close() {
            parts.append(part)
            part = Sync(isFull: isFull, since: since, part: parts.count, isLast: false, instances: [])
        }
        for instance in instances {
            if sizes.mustBreak(before: instance.json) { close() }
            part.instances.append(instance)
        }
        for tombstone in tombstones {
            if sizes.mustBreak(before: tombstone.json) { close() }
            part.tombstones.append(tombstone)
        }
        part.isLast = true
        parts.append(part)
        return parts
    }
}

extension Report {
    /// The same report as parts of at most `limitBytes` each, as one frame's encoding; there is at least one.
    package func parts(limitBytes: Int = Limits.hostFrameBytes) -> [Report] {
        var parts: [Report] = []
        var part = Report(isFull: isFull, isLast: false, observations: [])
        var sizes = PartSizes(limitBytes: limitBytes)
        func close() {
            parts.append(part)
            part = Report(isFull: isFull, part: parts.count, isLast: false, observations: [])
        }
        for observation in observations {
            if sizes.mustBreak(before: observation.json) { close() }
            part.observations.append(observation)
        }
        // The list of orphans is one value: it goes into one part, cut to what a frame holds.
        if let orphans {
            let kept: [Orphan] = Array(orphans.prefix(Limits.hostOrphans))
            if sizes.mustBreak(before: .array(kept.map(\.json))) { close() }
            part.orphans = kept
        }
        part.isLast = true
        parts.append(part)
        return parts
    }
}
