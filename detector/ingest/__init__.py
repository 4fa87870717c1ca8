"""From files to the lake, with nothing lost."""
