"""Which kind of file some bytes are, by what they hold; a name is only held against it."""

from __future__ import annotations

import io
import re
import zipfile

from features.errors import WardenError

TYPES = {
    "application/pdf": (".pdf",),
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": (".xlsx",),
    "text/csv": (".csv",),
    "text/plain": (".txt",),
}
"""What may be attached, with the endings a name may have."""
_MARKS = {
    b"%PDF-": "application/pdf",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
}
_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_NEEDED = {"[Content_Types].xml", "xl/workbook.xml"}
# a sheet with parts that run is no sheet; nor is a text that a browser or a shell would run
_RUNS = re.compile(r"vbaproject|\.bin$|macrosheets|activex|/embeddings/", re.IGNORECASE)
_MARKUP = re.compile(r"<\s*(?:!doctype|html|head|body|script|svg|iframe|object|\?xml)", re.I)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")


def media_type(data: bytes, name: str) -> str:
    """Type of a file that may be attached.

    Raises:
        WardenError: `file_refused`: empty, of another type, a type its name does not have, or
            something that could run.
    """
    found = _found(data, name)
    if found is None:
        raise WardenError(
            "file_refused",
            "The file is none of those that may be attached, or holds something that can run.",
            "Attach PDF, PNG, JPEG, XLSX without macros, or CSV and plain text in UTF-8.",
        )
    if not name.lower().endswith(TYPES[found]):
        raise WardenError(
            "file_refused",
            f"The file is {found}, and its name says something else.",
            f"Give it a name that ends in {' or '.join(TYPES[found])}.",
        )
    return found


def _found(data: bytes, name: str) -> str | None:
    for mark, kind in _MARKS.items():
        if data.startswith(mark):
            return kind
    if data.startswith(b"PK\x03\x04"):
        return _SHEET if _is_sheet(data) else None
    if not _is_text(data):
        return None
    return "text/csv" if name.lower().endswith(".csv") else "text/plain"


def _is_sheet(data: bytes) -> bool:
    """Whether the archive is a workbook; its directory is read, nothing is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
        return False
    return set(names) >= _NEEDED and not any(_RUNS.search(one) for one in names)


def _is_text(data: bytes) -> bool:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    runs = text.startswith("#!") or _MARKUP.search(text) is not None
    return bool(text.strip()) and not runs and _CONTROLS.search(text) is None
