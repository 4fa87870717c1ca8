"""Schema revisions, run by `detector.database.upgrade`."""
