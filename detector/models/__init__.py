"""Outlier models: signed evidence from peers in, calibrated suspicion and its reasons out."""
