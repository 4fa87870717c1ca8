"""The command line as a person types it: words in, JSON and exported files out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
from typer.testing import CliRunner

from detector.cli.main import app
from detector.cli.output import STATE, lift_global_options

RUN = CliRunner()


class Desk:
    """One installation, and a person who types `warden ...` in front of it."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def warden(self, *words: str | Path) -> Any:
        """Runs a command with `--json`; gives what it printed. It must succeed."""
        line = [*map(str, words), "--json", "--home", str(self.home)]
        done = RUN.invoke(app, lift_global_options(line))
        STATE.json = False
        if done.exit_code != 0:
            raise AssertionError(f"warden {' '.join(line)}: {done.stderr}") from done.exception
        return json.loads(done.stdout)

    def ingest(self, table: str, *files: Path, at: str | None = None) -> dict[str, Any]:
        """Balance of `warden ingest TABLE FILE...`; it always adds up."""
        when = ("--recorded-at", at) if at else ()
        balance: dict[str, Any] = self.warden("ingest", table, *files, *when)
        ends = ("accepted", "corrected", "repeated", "quarantined")
        assert balance["read"] == sum(balance[end] for end in ends)
        return balance

    def detect(self, *typologies: str) -> dict[str, Any]:
        """Counts of `warden detect --typology ...`."""
        named = [word for typology in typologies for word in ("--typology", typology)]
        summary: dict[str, Any] = self.warden("detect", *named)
        return summary

    def export(self, kind: str) -> pl.DataFrame:
        """The rows of `warden export KIND`, read back from the file it wrote."""
        out = self.home / f"{kind.replace(':', '-')}.parquet"
        told = self.warden("export", kind, "--out", out)
        frame = pl.read_parquet(out)
        assert told["rows"] == frame.height
        return frame

    def features(self, grain: str, *typologies: str) -> pl.DataFrame:
        """Features of a grain after judging these typologies."""
        self.detect(*typologies)
        return self.export(f"features:{grain}")
