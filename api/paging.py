"""Opaque cursors of pages that are counted from the beginning."""

from __future__ import annotations

import base64
import binascii

from features.errors import WardenError


def offset_cursor(offset: int) -> str:
    """Opaque text for the place after so many items."""
    return base64.urlsafe_b64encode(f"1:{offset}".encode()).decode().rstrip("=")


def offset_of(cursor: str | None) -> int:
    """How many items lie before the page; none without a cursor.

    Raises:
        WardenError: `bad_cursor` for anything `offset_cursor` did not write.
    """
    if cursor is None:
        return 0
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        version, _, offset = base64.urlsafe_b64decode(padded).decode("ascii").partition(":")
        if version != "1" or not offset.isdigit() or len(offset) > 9:
            raise ValueError
    except (ValueError, binascii.Error):
        raise WardenError(
            "bad_cursor", "The page cursor is not one of ours.", "Start at the first page."
        ) from None
    return int(offset)
