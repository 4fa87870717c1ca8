"""The director's view: what is watched, how much waits, how fast and how well it is decided."""
