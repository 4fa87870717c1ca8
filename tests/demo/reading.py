"""A simulated market written to files and read back as a reader of the files sees it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from detector.demo.world import Size, World, generate


@dataclass(frozen=True)
class Written:
    """A world and its tables as a reader of the files sees them."""

    world: World
    out: Path
    tables: dict[str, pl.DataFrame]
    labels: pl.DataFrame

    def planted(self, kind: str, typology: str) -> pl.DataFrame:
        """Labels (1 and 0) of one kind of subject under one typology."""
        return self.labels.filter(
            pl.col("subject_kind") == kind, pl.col("typology") == typology
        ).select(key="subject_key", label="label", scheme="scheme", note="note")


def read(path: Path) -> pl.DataFrame:
    """A filing as written; ids that look like numbers stay text."""
    if path.suffix == ".parquet":
        return pl.read_parquet(path)
    text = {"category": pl.String, "lot_id": pl.String, "version": pl.String}
    return pl.read_csv(path, try_parse_dates=True, schema_overrides=text)


def written(folder: Path, size: Size, seed: int = 20260101) -> Written:
    """Write a world and read it back."""
    out = folder / "filings"
    world = generate(out, seed=seed, size=size, labels_path=folder / "answers.csv")
    tables = {name: read(files[0]) for name, files in world.files.items()}
    return Written(world, out, tables, pl.read_csv(world.labels))
