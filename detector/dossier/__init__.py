"""Everything known about one firm, each part with its own query over lake, results and alerts."""
