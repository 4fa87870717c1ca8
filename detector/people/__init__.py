"""Who works with an installation: accounts, sessions, keys, and what each may do."""
