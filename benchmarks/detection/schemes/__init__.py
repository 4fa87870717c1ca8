"""Schemes with a knob, planted into filings: strength 0 is honest, 1 is the demonstration's."""
