"""Two kinds of database connection that the type checker keeps apart.

A function that only looks takes a `ReadConnection`; one that changes something takes a
`WriteConnection`, which only a write transaction yields. Whoever may write may also read.
"""

from __future__ import annotations

from typing import NewType

from sqlalchemy import Connection

ReadConnection = NewType("ReadConnection", Connection)
WriteConnection = NewType("WriteConnection", ReadConnection)
