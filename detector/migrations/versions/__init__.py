"""One file per schema revision; a revision that has been released is never edited."""
