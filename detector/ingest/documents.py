"""JSON as registers publish it: one document with a list inside, or one object a line.

Each item comes with the line it starts on, so that a fault can name it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detector.ingest.faults import LineFault, file_error
from detector.ingest.limits import Limits
from detector.ingest.sources import BAD, open_text

KEPT = 4096
"""Characters of a broken line kept in the quarantine."""
LINES = (".jsonl", ".ndjson")
DOCUMENTS = (".json",)

_BLANK = re.compile(r"[ \t\r\n]*")
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Item:
    """One value of a file.

    Attributes:
        name: its name, inside an object.
        line: physical line it starts on.
    """

    value: Any
    line: int
    name: str = ""


def read_items(
    path: Path, limits: Limits, lists: tuple[str, ...], tell: Callable[[int], None] | None = None
) -> Iterator[Item | LineFault]:
    """Items of a file: lines of JSONL, or the members of the first of `lists` in a document.

    A document without any of `lists` is one item; one that is a list gives its members. A file
    named ``.json`` that holds one object a line is read like JSONL.

    Raises:
        WardenError: ``unknown_file_type``, ``broken_json``, ``document_too_long``, and the faults
            of `open_text`.
    """
    name = path.name.lower().removesuffix(".gz")
    if not name.endswith(LINES + DOCUMENTS):
        known = ", ".join(LINES + DOCUMENTS)
        says = f"files of this ending are not read; known are {known}, each also as .gz or in .zip."
        raise file_error(path, "unknown_file_type", says, "Give it its right ending.")
    if name.endswith(LINES):
        yield from _lines(path, limits, tell)
        return
    text = _whole(path, limits, tell)
    first, _, rest = text.lstrip().partition("\n")
    if rest.strip() and isinstance(_value(first), dict):
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield _line(number, line)
        return
    try:
        halves = "".join(_HALF.findall(text)[:1])
        for item in _members(text, lists):
            yield _sound(item, halves)
    except json.JSONDecodeError as error:
        says = f"it is not valid JSON ({error.msg})."
        hint = "Send the whole file again, or send one object a line as .jsonl."
        raise file_error(path, "broken_json", says, hint, error.lineno) from error
    except (RecursionError, ValueError) as error:
        says = "it has too many brackets inside each other, or a number too long to read."
        raise file_error(path, "broken_json", says, "Send a plain document.") from error


def _lines(
    path: Path, limits: Limits, tell: Callable[[int], None] | None
) -> Iterator[Item | LineFault]:
    rest, number = b"", 1
    with open_text(path, limits, None, tell) as raw:
        while piece := raw.read(limits.block_bytes):
            *whole, rest = (rest + piece).split(b"\n")
            if len(rest) > limits.document_bytes:
                says = f"a line is longer than {limits.document_bytes >> 20} MiB."
                raise file_error(path, "row_too_long", says, "Send one object a line.", number)
            for line in whole:
                if line.strip():
                    yield _line(number, line.decode())
                number += 1
    if rest.strip():
        yield _line(number, rest.decode())


def _line(number: int, line: str) -> Item | LineFault:
    if BAD in line:
        says = "it holds bytes that are no text; the file's encoding is broken here"
        return LineFault(number, "wrong_encoding", says, line.replace(BAD, "\ufffd")[:KEPT])
    try:
        return _sound(Item(json.loads(line), number), line)
    except (ValueError, RecursionError) as error:
        says = f"it is not a JSON object ({getattr(error, 'msg', 'it cannot be read')})"
        return LineFault(number, "broken_json", says, line[:KEPT])


def _sound(item: Item, text: str) -> Item | LineFault:
    """The item, unless an escape in it stands for half a character, which no file can hold."""
    if _HALF.search(text):
        filed = json.dumps(item.value)
        try:
            json.dumps(item.value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            says = "it holds an escape such as \\ud800 that is half a character"
            return LineFault(item.line, "wrong_encoding", says, filed[:KEPT])
    return item


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _whole(path: Path, limits: Limits, tell: Callable[[int], None] | None) -> str:
    pieces: list[bytes] = []
    size = 0
    with open_text(path, limits, None, tell) as raw:
        while piece := raw.read(limits.block_bytes):
            pieces.append(piece)
            size += len(piece)
            if size > limits.document_bytes:
                says = f"the document is longer than {limits.document_bytes >> 20} MiB."
                raise file_error(path, "document_too_long", says, "Send one object a line, .jsonl.")
        flawed = raw.flawed
    text = b"".join(pieces).decode()
    if flawed:
        line = text.count("\n", 0, text.index(BAD)) + 1
        says = "it holds bytes that are no text."
        raise file_error(path, "wrong_encoding", says, "Save it as UTF-8.", line)
    return text


def _members(text: str, lists: tuple[str, ...]) -> Iterator[Item]:
    whole = json.loads(text)
    if isinstance(whole, list):
        yield from _located(text, _skip(text, 0))
        return
    chosen = next((name for name in lists if _holds(whole, name)), None)
    if chosen is None:
        yield Item(whole, 1)
        return
    # the last of equal names is the one that counts, as in every JSON parser
    found = [i for i in _positions(text, _skip(text, 0)) if i[0] == chosen]
    yield from _located(text, found[-1][1])


def _holds(whole: Any, name: str) -> bool:
    return isinstance(whole, dict) and isinstance(whole.get(name), list | dict)


def _located(text: str, at: int) -> Iterator[Item]:
    """Members of the list or object that starts at `at`, with their lines."""
    line, seen = 1, 0
    for name, place, value in _positions(text, at):
        line += text.count("\n", seen, place)
        seen = place
        yield Item(value, line, name)


def _positions(text: str, at: int) -> Iterator[tuple[str, int, Any]]:
    """Name, place and value of the members of a list or object; the text is known to be valid."""
    named = text[at] == "{"
    at = _skip(text, at + 1)
    while text[at] not in "]}":
        name = ""
        if named:
            name, at = _DECODER.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)
        value, end = _DECODER.raw_decode(text, at)
        yield name, at, value
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at
