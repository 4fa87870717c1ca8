"""Whether what was decided in a case moved what it was to move."""
