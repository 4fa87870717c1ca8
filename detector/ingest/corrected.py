"""Quarantined rows sent again: a reader of their corrected text that keeps where it was filed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import polars as pl

from detector.ingest.readers import LINE, Chunk, Request

FILED_IN, FILED_LINE, ROW = "filed_in", "filed_line", "row"


class CorrectedReader:
    """JSON lines of corrected rows: `filed_in`, `filed_line` and `row`, texts by column.

    Columns are canonical already, so a mapping's names no longer apply; its values, dates and
    units do.
    """

    def __init__(self, request: Request) -> None:
        text = request.path.read_text(encoding="utf-8")
        self._rows = [json.loads(line) for line in text.splitlines()]
        names = dict.fromkeys(name for one in self._rows for name in one[ROW])
        self.columns = tuple(names)
        self.open_ended = False
        self.notes: list[str] = []

    def chunks(self) -> Iterator[Chunk]:
        """All rows at once: nobody corrects more than fit."""
        filed = [one[FILED_LINE] for one in self._rows]
        # out of one file they keep their own lines; out of several those may meet
        own = len(set(filed)) == len(filed)
        lines = pl.Series(LINE, filed if own else range(1, len(filed) + 1), pl.Int64)
        texts = [
            pl.Series(name, [one[ROW].get(name) for one in self._rows], pl.String)
            for name in self.columns
        ]
        places = pl.DataFrame(
            {
                LINE: lines,
                "filed_in": [one[FILED_IN] for one in self._rows],
                "filed_line": pl.Series(filed, dtype=pl.Int64),
            }
        )
        yield Chunk(pl.DataFrame([lines, *texts]), [], places=places)

    def close(self) -> None:
        """Nothing is held open."""
