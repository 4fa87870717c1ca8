"""The one root of every error this software raises on purpose.

An error says what went wrong, what it means, and what to do next; `code` is stable and may be
relied on by scripts, `kind` decides the HTTP status and the exit code at the door.
"""

from __future__ import annotations

from typing import Literal

Kind = Literal["invalid", "not_found", "conflict", "unavailable", "integrity"]


class WardenError(Exception):
    """Root error.

    Args:
        code: stable machine name, for example ``unknown_table``.
        message: what happened, in one sentence.
        hint: the next step a user can take; may be empty.
        kind: the class of fault.
    """

    def __init__(self, code: str, message: str, hint: str = "", kind: Kind = "invalid") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.kind: Kind = kind

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()
