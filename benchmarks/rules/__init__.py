"""Two hundred rules over a million rows, beside Polars and SQL written by hand."""
