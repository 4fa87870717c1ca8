"""How large a condition may be; each cap is tested, and told in the reference."""

from __future__ import annotations

MAX_LENGTH = 4096
"""Bytes of one expression."""
MAX_TOKENS = 900
"""Words and signs of one expression."""
MAX_DEPTH = 32
"""Levels of nesting, parentheses counted before anything is parsed."""
MAX_NODES = 200
"""Parts of the tree, with what BETWEEN and CASE repeat counted as often as it is repeated."""
MAX_DIGITS = 32
"""Characters of one number."""
MAX_WORK = 3000
"""Operations an engine is asked for, see `rules.cost`."""
