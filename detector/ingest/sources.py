"""Bytes of a file on their way to a parser: counted, unpacked within limits, made UTF-8."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from detector.ingest.faults import file_error
from detector.ingest.limits import Limits

BAD = "\U0010fffd"
"""Stands for a byte that is not text in the file's encoding; a row that holds it is quarantined."""

SNIFF = 1 << 18
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UNKNOWN_HINT = (
    "Save it as UTF-8, or name its encoding in a mapping file, for example `encoding: gb18030`."
)

Progress = Callable[[int, int], None]
"""Called with bytes of the input done and in all."""


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return BAD, error.end


codecs.register_error("warden-mark", _mark)


class Counted(io.RawIOBase):
    """A binary file that tells how far it was read."""

    def __init__(self, path: Path, tell: Callable[[int], None] | None = None) -> None:
        self._file = path.open("rb")
        self._tell = tell
        self.done = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Reads into the buffer and counts."""
        count = self._file.readinto(buffer)
        self.done += count
        if self._tell and count:
            self._tell(count)
        return int(count)

    def close(self) -> None:
        """Closes the file beneath too."""
        self._file.close()
        super().close()


class Unpacked(io.RawIOBase):
    """Content of a gzip file, within the limits.

    Reading raises WardenError: ``truncated_file``, ``broken_gzip``, ``unpacks_too_large``.
    """

    def __init__(self, path: Path, counted: Counted, limits: Limits) -> None:
        self._path, self._counted, self._limits = path, counted, limits
        self._gzip = gzip.GzipFile(fileobj=io.BufferedReader(counted, 1 << 18), mode="rb")
        self._out = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Unpacks into the buffer and holds the limits."""
        try:
            data = self._gzip.read1(len(buffer))
        except EOFError as error:
            raise file_error(
                self._path,
                "truncated_file",
                "the packed file ends before its end; a part was lost on the way.",
                "Send the whole file again.",
            ) from error
        except (OSError, zlib.error) as error:
            raise file_error(
                self._path,
                "broken_gzip",
                f"it is not a whole gzip file ({error}).",
                "Pack it again with gzip, or send it unpacked.",
            ) from error
        self._out += len(data)
        self._hold()
        buffer[: len(data)] = data
        return len(data)

    def _hold(self) -> None:
        limits = self._limits
        bomb = self._out > limits.ratio_from and self._out > limits.ratio * max(
            self._counted.done, 1
        )
        if self._out > limits.unpacked_bytes or bomb:
            raise file_error(
                self._path,
                "unpacks_too_large",
                f"it unpacks to more than {limits.unpacked_bytes >> 20} MiB "
                f"or to more than {limits.ratio} times its size.",
                "Send it unpacked, or in several files.",
            )

    def close(self) -> None:
        """Closes the file beneath too."""
        self._gzip.close()
        self._counted.close()
        super().close()


class Text(io.RawIOBase):
    """UTF-8 bytes of a text file of any encoding; `flawed` when some bytes were no text."""

    def __init__(self, raw: IO[bytes] | io.RawIOBase, encoding: str, head: bytes) -> None:
        self._raw = raw
        self._decoder = codecs.getincrementaldecoder(encoding)("warden-mark")
        self._head = head
        self._ready = b""
        self._ended = False
        self.flawed = False
        self.quotes = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """UTF-8 bytes into the buffer."""
        while not self._ready and not self._ended:
            self._fill()
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _fill(self) -> None:
        piece = self._head or self._raw.read(1 << 20) or b""
        self._head = b""
        self._ended = not piece
        text = self._decoder.decode(piece, final=self._ended)
        self.flawed = self.flawed or BAD in text
        self._ready = text.encode("utf-8", "replace")
        self.quotes += self._ready.count(b'"')

    def close(self) -> None:
        """Closes the file beneath too."""
        self._raw.close()
        super().close()


def open_bytes(path: Path, limits: Limits, tell: Callable[[int], None] | None) -> io.RawIOBase:
    """The content of a file, unpacked when it ends in ``.gz``.

    Raises:
        WardenError: ``file_not_found``, ``not_a_file``, ``file_not_readable``.
    """
    if path.is_dir():
        raise file_error(path, "not_a_file", "this is a folder.", "Name the files inside it.")
    try:
        counted = Counted(path, tell)
    except FileNotFoundError as error:
        raise file_error(
            path, "file_not_found", "there is no such file.", "Check the name and the folder."
        ) from error
    except OSError as error:
        raise file_error(
            path,
            "file_not_readable",
            f"it cannot be opened ({error.strerror}).",
            "Check its rights.",
        ) from error
    return Unpacked(path, counted, limits) if path.suffix.lower() == ".gz" else counted


def open_text(
    path: Path, limits: Limits, encoding: str | None, tell: Callable[[int], None] | None
) -> Text:
    """UTF-8 bytes of a text file, without a byte order mark.

    Raises:
        WardenError: those of `open_bytes`, and ``empty_file``, ``binary_file``,
            ``wrong_encoding`` when the file as a whole is not in the encoding.
    """
    raw = open_bytes(path, limits, tell)
    try:
        head = _read(raw, SNIFF)
        marked, head = _strip_mark(head)
        chosen = marked or encoding or "utf-8"
        if not head.strip():
            raise file_error(
                path, "empty_file", "the file is empty.", "Send the file with its rows."
            )
        _check_head(path, head, chosen, named=encoding is not None)
    except BaseException:
        raw.close()
        raise
    return Text(raw, chosen, head)


def _read(raw: io.RawIOBase, size: int) -> bytes:
    pieces: list[bytes] = []
    while size > 0 and (piece := raw.read(size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _strip_mark(head: bytes) -> tuple[str | None, bytes]:
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, head[len(mark) :]
    return None, head


def _check_head(path: Path, head: bytes, encoding: str, *, named: bool) -> None:
    """Refuses what is no text at all, and text that is plainly in another encoding."""
    wide = encoding.replace("_", "-").lower().startswith(("utf-16", "utf-32"))
    if b"\x00" in head and not wide:
        raise file_error(
            path,
            "binary_file",
            "this is not a text file (it holds zero bytes).",
            "Send CSV or JSONL text; a spreadsheet must be saved as CSV first.",
        )
    text = codecs.getincrementaldecoder(encoding)("warden-mark").decode(head)
    lines = [line for line in text.splitlines() if line.strip()]
    foreign = [line for line in lines if not line.isascii()]
    bad = [line for line in foreign if BAD in line]
    if not bad:
        return
    if BAD in lines[0] or (len(bad) == len(foreign) and 2 * len(bad) >= len(lines) - 1):
        number = next(i for i, line in enumerate(text.splitlines(), 1) if BAD in line)
        hint = "Check the `encoding` in the mapping." if named else _UNKNOWN_HINT
        says = f"the file is not {encoding.upper()} text."
        raise file_error(path, "wrong_encoding", says, hint, number)
