// Replaced by the first real file of Metrics.
