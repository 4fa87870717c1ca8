"""A file is replaced whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from detector.whole_files import drafted, replace_text, require_folder
from features.errors import WardenError


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    out = tmp_path / "cases.csv"
    replace_text(out, "é")
    assert out.read_bytes() == "é".encode()
    with pytest.raises(RuntimeError, match="half"), drafted(out) as draft:
        assert draft.suffix == ".csv"
        draft.write_text("hal")
        assert out.read_text() == "é"
        raise RuntimeError("half")
    assert [one.name for one in tmp_path.iterdir()] == ["cases.csv"]
    assert out.read_text() == "é"


def test_two_drafts_of_one_file_do_not_meet(tmp_path: Path) -> None:
    out = tmp_path / "a.zip"
    with drafted(out) as one:
        one.write_bytes(b"1")
        with drafted(out) as other:
            other.write_bytes(b"2")
        assert out.read_bytes() == b"2"
    assert out.read_bytes() == b"1"


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    require_folder(tmp_path / "x")
    with pytest.raises(WardenError, match="does not exist"):
        require_folder(tmp_path / "none" / "x")
