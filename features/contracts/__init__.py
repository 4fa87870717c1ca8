"""Canonical tables, one file a family: columns, types, units, keys, checks. No I/O."""
