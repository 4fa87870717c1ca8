"""Outlier models: directional, frozen, reproducible."""
