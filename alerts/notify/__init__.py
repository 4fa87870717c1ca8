"""Who is told of what happens, when and in which words; nothing here sends anything."""
