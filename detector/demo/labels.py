"""What was planted, kept apart from the filings: for evaluation only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl

COLUMNS = ("subject_kind", "subject_key", "typology", "label", "scheme", "note")


class Labels:
    """Collects what each part planted (label 1) and what it knows to be honest (label 0)."""

    def __init__(self) -> None:
        self._parts: list[pl.DataFrame] = []

    def planted(
        self,
        kind: str,
        keys: Iterable[str],
        typologies: Sequence[str],
        scheme: str,
        note: str = "",
    ) -> None:
        """Record subjects of one scheme, once for each typology it should show under.

        ``MON-BID-*`` means any typology of the family.
        """
        self._add(kind, keys, typologies, 1, scheme, note)

    def honest(
        self, kind: str, keys: Iterable[str], typologies: Sequence[str], note: str = ""
    ) -> None:
        """Record subjects that did nothing wrong, once for each typology they must not show."""
        self._add(kind, keys, typologies, 0, "", note)

    def frame(self) -> pl.DataFrame:
        """All labels, sorted; a subject is planted once for each typology at most."""
        return (
            pl.concat(self._parts)
            .sort("label", descending=True, maintain_order=True)
            .unique(COLUMNS[:3], keep="first", maintain_order=True)
            .sort(COLUMNS[:3])
        )

    def write(self, path: Path) -> None:
        """Write the labels as CSV."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.frame().write_csv(path)

    def _add(
        self,
        kind: str,
        keys: Iterable[str],
        typologies: Sequence[str],
        label: int,
        scheme: str,
        note: str,
    ) -> None:
        subjects = pl.DataFrame({"subject_key": pl.Series(list(keys), dtype=pl.String)})
        for typology in typologies:
            self._parts.append(
                subjects.select(
                    pl.lit(kind).alias("subject_kind"),
                    "subject_key",
                    pl.lit(typology).alias("typology"),
                    pl.lit(label, dtype=pl.Int64).alias("label"),
                    pl.lit(scheme).alias("scheme"),
                    pl.lit(note).alias("note"),
                )
            )
