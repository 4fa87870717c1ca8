"""Suspicion as a record: identity, merging, states, storage."""
