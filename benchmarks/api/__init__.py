"""The HTTP interface under load, and against its own description."""
