"""The job that tells people and programs what happened: once per event, channel and person."""
