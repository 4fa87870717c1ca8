"""Shapes of what the HTTP interface answers and accepts."""
