"""Tools of the metrics: intervals, seeds, partitions, cores."""
