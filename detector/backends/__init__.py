"""Engines past one machine. The features are written once; here tables are handed to an engine."""
