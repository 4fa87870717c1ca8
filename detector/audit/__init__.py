"""The audit trail of an installation: keys, checkpoints in a second place, export, verification."""
