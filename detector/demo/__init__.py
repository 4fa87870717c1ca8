"""A simulated market with planted schemes, for the demonstration."""
