"""A whole log raises no alarm; whatever is done to one is found, at its first bad entry."""

from __future__ import annotations

import random
from collections.abc import Callable
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from alerts.audit_chain import GENESIS, body_of, canonical, linked
from alerts.audit_export import Verdict, export_lines, verify_export
from alerts.audit_statement import Checkpoint, mark
from alerts.audit_verify import PREFIX, TAIL, entry_line, hash_of

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
AT = "2026-11-23T10:00:00.000000Z"
WORDS = ("alert.closed", "case.opened", "dossier.read", "规则.上线", 'quote"and\\slash\n')
MUTATIONS = 2_000
CLEAN = 200

Log = list[bytes]
"""Lines of an export: header, entries, closing."""


def bodies(draw: random.Random, size: int, first: int = 1) -> list[bytes]:
    return [
        body_of(
            seq,
            f"2026-11-23T09:{draw.randrange(60):02}:00.{draw.randrange(10**6):06}Z",
            f"{draw.getrandbits(128):032x}",
            draw.choice(WORDS),
            "alert",
            f"A{draw.randrange(9)}",
            canonical({"n": draw.randrange(9), "note": draw.choice(WORDS)}),
        )
        for seq in range(first, first + size)
    ]


def chained(parts: list[bytes], last: str = GENESIS) -> list[bytes]:
    lines = []
    for body in parts:
        last = linked(last, body)
        lines.append(entry_line(body, last))
    return lines


def a_log(draw: random.Random) -> Log:
    lines = chained(bodies(draw, draw.randrange(1, 25)))
    return list(export_lines(lines, KEY, AT))


def verdict(log: Log, *others: Checkpoint) -> Verdict:
    return verify_export(lambda: log, KEY.public_key(), others)


def body(line: bytes) -> bytes:
    return line[len(PREFIX) : -TAIL]


# each takes a log apart and tells the number of the first entry that is not what was signed


def edit(draw: random.Random, log: Log) -> int:
    at = draw.randrange(len(log))
    line = bytearray(log[at])
    place = draw.randrange(len(line) - 1)
    line[place] ^= draw.randrange(1, 256)
    if line[place] == 10:  # a line break would make two lines of it: `edit` keeps to one
        line[place] = 11
    log[at] = bytes(line)
    return at


def edit_and_hash(draw: random.Random, log: Log) -> int:
    """The entry is changed and its own hash made to fit."""
    at = draw.randrange(1, len(log) - 1)
    before = hash_of(log[at - 1]) if at > 1 else GENESIS
    changed = body(log[at]).replace(b'"kind":"alert"', b'"kind":"alerT"')
    log[at] = entry_line(changed, linked(before, changed))
    return at


def delete(draw: random.Random, log: Log) -> int:
    at = draw.randrange(1, len(log) - 1)
    del log[at]
    return at


def reorder(draw: random.Random, log: Log) -> int:
    entries = log[1:-1]
    while entries == log[1:-1]:
        draw.shuffle(entries)
    first = next(i for i, line in enumerate(entries) if line != log[i + 1])
    log[1:-1] = entries
    return first + 1


def swap(draw: random.Random, log: Log) -> int:
    one, two = sorted(draw.sample(range(1, len(log) - 1), 2))
    log[one], log[two] = log[two], log[one]
    return one


def insert(draw: random.Random, log: Log) -> int:
    at = draw.randrange(1, len(log))
    before = hash_of(log[at - 1]) if at > 1 else GENESIS
    new = bodies(draw, 1, at)[0]
    log.insert(at, entry_line(new, linked(before, new)))
    return at


def repeat(draw: random.Random, log: Log) -> int:
    at = draw.randrange(1, len(log) - 1)
    log.insert(at + 1, log[at])
    return at + 1


def truncate(draw: random.Random, log: Log) -> int:
    """The end is cut off, the closing checkpoint with it."""
    at = draw.randrange(1, len(log))
    del log[at:]
    return at


def truncate_in_a_line(draw: random.Random, log: Log) -> int:
    at = draw.randrange(1, len(log))
    del log[at + 1 :]
    log[at] = log[at][: draw.randrange(1, len(log[at]))]
    return at


def truncate_and_keep_the_closing(draw: random.Random, log: Log) -> int:
    at = draw.randrange(1, len(log) - 1)
    del log[at:-1]
    return at


def fork(draw: random.Random, log: Log) -> int:
    """From one entry on another history, every hash made to fit."""
    at = draw.randrange(1, len(log) - 1)
    before = hash_of(log[at - 1]) if at > 1 else GENESIS
    other = bodies(draw, draw.randrange(1, len(log)), at)
    log[at:-1] = chained(other, before)
    return at


def edit_and_hash_all(draw: random.Random, log: Log) -> int:
    """One entry is changed and every hash after it made to fit."""
    at = draw.randrange(1, len(log) - 1)
    before = hash_of(log[at - 1]) if at > 1 else GENESIS
    parts = [body(line) for line in log[at:-1]]
    parts[0] = parts[0].replace(b'"n":', b'"n":1')
    log[at:-1] = chained(parts, before)
    return at


def append(draw: random.Random, log: Log) -> int:
    at = len(log) - 1
    new = bodies(draw, 1, at)
    log[at:at] = chained(new, hash_of(log[at - 1]))
    return at


def close_anew(draw: random.Random, log: Log) -> int:
    """Another history closed by another key: nothing that the key signed is left to compare."""
    size = len(log) - 2
    log[:] = export_lines(chained(bodies(draw, size)), OTHER, AT)
    return size + 1


def roll_back(draw: random.Random, log: Log) -> tuple[int, Checkpoint]:
    """The whole log as it once was, rightly signed then; a later checkpoint knows better."""
    size = draw.randrange(0, len(log) - 2)
    lines = log[1:-1]
    marks = b"".join(mark(hash_of(line)) for line in lines)
    later = Checkpoint(len(lines), hash_of(lines[-1]), AT, 0, marks)
    log[:] = export_lines(lines[:size], KEY, AT)
    return size + 1, later


WAYS: tuple[Callable[[random.Random, Log], int], ...] = (
    edit, edit_and_hash, edit_and_hash_all, delete, reorder, swap, insert, repeat, truncate,
    truncate_in_a_line, truncate_and_keep_the_closing, fork, append, close_anew,
)  # fmt: skip


def test_clean_logs_raise_no_alarm() -> None:
    for seed in range(CLEAN):
        log = a_log(random.Random(seed))
        found = verdict(log)
        assert found.intact
        assert (found.entries, found.signed) == (len(log) - 2, len(log) - 2)


@pytest.mark.parametrize("way", [*WAYS, roll_back], ids=lambda way: way.__name__)
def test_every_mutation_is_found_at_its_first_bad_entry(way: Callable[..., object]) -> None:
    for seed in range(-(-MUTATIONS // (len(WAYS) + 1))):
        draw = random.Random(f"{way.__name__}:{seed}")
        log = a_log(draw)
        while len(log) < 4:  # two entries at least: one cannot be swapped
            log = a_log(draw)
        done = way(draw, log)
        first, others = done if isinstance(done, tuple) else (done, None)
        found = verdict(log, *([others] if others else []))
        assert found.fault is not None, (seed, first)
        assert found.fault.entry == first, (seed, found.fault)


def test_an_empty_log_can_be_exported_and_verified() -> None:
    log = list(export_lines([], KEY, AT))
    assert verdict(log).intact
    assert verdict([]).fault is not None


def test_the_hash_of_an_entry_can_be_recomputed_by_hand() -> None:
    log = a_log(random.Random(1))
    last = b"0" * 64
    for line in log[1:-1]:
        last = sha256(last + line[9:-76]).hexdigest().encode()
        assert line[-67:-3] == last
