"""The features, one file a family of the catalogue."""
