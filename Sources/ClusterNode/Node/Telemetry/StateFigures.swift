import Metrics
import Store

/// How the replicated state and its files are at one moment.
enum StateFigures {
    static func families(_ figures: StoreFigures) -> [MetricFamily] {
        let disk: StoreFigures.Disk? = figures.disk
        return [
            MetricFamily(
                .gauge,
                "drover_store_revision",
                "The revision of the state on this node",
                Double(figures.revision)
            ),
            MetricFamily(.gauge, "drover_store_records", "Records in the state", Double(figures.records)),
            MetricFamily(
                .gauge,
                "drover_store_sessions",
                "Sessions of gateways, whose requests run once",
                Double(figures.sessions)
            ),
            MetricFamily(.gauge, "drover_store_watches", "Open watches on this node", Double(figures.watches)),
            MetricFamily(
                .gauge,
                "drover_store_checkpoint_revision",
                "The revision of the last checkpoint on the disk",
                disk.map { Double($0.checkpointed) }
            ),
            MetricFamily(
                .gauge,
                "drover_store_checkpoint_lag_revisions",
                "Revisions that the last checkpoint does not have; a start applies them again from the log",
                disk.map { Double(figures.revision - min($0.checkpointed, figures.revision)) }
            ),
            MetricFamily(
                .gauge,
                "drover_store_checkpoint_age_seconds",
                "Since the last checkpoint was written, or since the start; a quiet cluster writes none",
                disk.map { $0.checkpointAge / .seconds(1) }
            ),
            MetricFamily(
                .gauge,
                "drover_store_history_first_revision",
                "The oldest revision that history has",
                disk.map { Double($0.historyFirst) }
            ),
            MetricFamily(
                .gauge,
                "drover_store_history_last_revision",
                "The newest revision that history has",
                disk.map { Double($0.historyLast) }
            ),
            MetricFamily(
                .gauge,
                "drover_store_history_pending_changes",
                "Changes that history does not have yet",
                disk.map { Double($0.pendingChanges) }
            ),
            MetricFamily(
                .gauge,
                "drover_store_files_behind",
                "1 after the checkpoint or history could not be written, until it succeeds again",
                disk.map { $0.isBehind ? 1 : 0 }
            ),
        ]
    }
}
