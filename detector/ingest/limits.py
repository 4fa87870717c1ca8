"""Limits of what is taken in. Each is there against a file made to exhaust the machine."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one ingest; a plain file may be of any length, since it is streamed.

    Attributes:
        unpacked_bytes: a packed file may not unpack to more.
        ratio: unpacked to packed size, judged after `ratio_from` bytes.
        ratio_from: bytes unpacked before the ratio is judged.
        members: files of a zip file.
        document_bytes: a JSON document read as a whole; JSON lines may be of any length.
        columns: columns of a file.
        cell_bytes: bytes of one cell; a longer one is quarantined.
        block_bytes: bytes of text parsed at a time; no row may be longer.
        batch_rows: rows of a Parquet file unpacked at a time.
        batch_bytes: memory such rows may take once unpacked.
        partition_rows: rows compared with the lake at a time.
    """

    unpacked_bytes: int = 2048 * MIB
    ratio: int = 200
    ratio_from: int = 16 * MIB
    members: int = 1000
    document_bytes: int = 512 * MIB
    columns: int = 512
    cell_bytes: int = 1 * MIB
    block_bytes: int = 4 * MIB
    batch_rows: int = 65_536
    batch_bytes: int = 512 * MIB
    partition_rows: int = 500_000
