"""What may be attached, told by the bytes and never by the name alone."""

from __future__ import annotations

import io
import zipfile

import pytest

from detector.attached import plain_name
from detector.file_types import TYPES, media_type
from features.errors import WardenError


def archive(*names: str) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as written:
        for name in names:
            written.writestr(name, "x")
    return kept.getvalue()


SHEET = ("[Content_Types].xml", "xl/workbook.xml")
PNG, JPEG, PDF = b"\x89PNG\r\n\x1a\n....", b"\xff\xd8\xff\xe0....", b"%PDF-1.7\n..."


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (PDF, "a.pdf", "application/pdf"),
        (PNG, "a.PNG", "image/png"),
        (JPEG, "a.jpeg", "image/jpeg"),
        (archive(*SHEET), "a.xlsx", next(t for t in TYPES if "spreadsheet" in t)),
        ("投标,报价\r\n甲,1 < 2\n".encode(), "报价.csv", "text/csv"),
        (b"\xef\xbb\xbfplain\ttext\n", "a.txt", "text/plain"),
    ],
)
def test_what_may_be_attached(data: bytes, name: str, kind: str) -> None:
    assert media_type(data, name) == kind


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "a.txt"),
        (b" \n", "a.txt"),
        (b"<html><body>", "a.txt"),
        (b"x\n<SCRIPT >alert(1)</script>", "a.txt"),
        (b'<?xml version="1.0"?><svg/>', "a.txt"),
        (b"<svg onload=x>", "a.svg"),
        (b"#!/bin/sh\nrm", "a.txt"),
        (b"MZ\x90\x00\x03", "a.txt"),
        (b"\x7fELF\x02\x01", "a.pdf"),
        ("甲乙".encode("gb18030"), "a.txt"),
        (b"GIF89a....", "a.png"),
        (PNG, "a.pdf"),
        (PDF, "a.pdf.exe"),
        (PDF, "a"),
        (archive("a.txt"), "a.xlsx"),
        (archive(*SHEET, "xl/vbaProject.bin"), "a.xlsx"),
        (archive(*SHEET)[:60], "a.xlsx"),
    ],
)
def test_what_may_not(data: bytes, name: str) -> None:
    with pytest.raises(WardenError) as caught:
        media_type(data, name)
    assert caught.value.code == "file_refused"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\docs\\a b.pdf", "a b.pdf"),
        ('a"b\r\n.pdf', "ab.pdf"),
        ("fdp.\u202etxt.pdf", "fdp.txt.pdf"),
        ("  报告 1.pdf ", "报告 1.pdf"),
    ],
)
def test_a_name_is_its_last_part_and_misleads_nobody(given: str, kept: str) -> None:
    assert plain_name(given) == kept


@pytest.mark.parametrize("name", ["", "/", "..", "\x00", "x" * 201, "a\ud800.pdf"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(WardenError) as caught:
        plain_name(name)
    assert caught.value.code == "bad_file_name"
