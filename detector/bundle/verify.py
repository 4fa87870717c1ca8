"""Verifies an evidence bundle: every file, the archive itself, the signature, the audit entries.

    python verify.py BUNDLE.zip [--key FINGERPRINT]

It needs Python 3.9 or later and nothing else. BUNDLE may also be a folder the archive was unpacked
into. Exit code 0: nothing was changed; 4: something was, and what is printed.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import re
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
CHECKPOINT, ENTRIES, CHAIN = "audit/checkpoint.json", "audit/entries.jsonl", "audit/chain.jsonl"
BROKEN = 4
EPOCH = (1980, 1, 1, 0, 0, 0)

# Ed25519 as in RFC 8032, sections 5.1 and 6. Nothing here is secret, so plain integers do.
P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]


def _add(one: Point, other: Point) -> Point:
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c, d = 2 * one[3] * other[3] * D % P, 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(scalar: int, point: Point) -> Point:
    found: Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            found = _add(found, point)
        point, scalar = _add(point, point), scalar >> 1
    return found


def _point(raw: bytes) -> Point | None:
    """The point of 32 bytes; None where they are none."""
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


_Y = 4 * pow(5, P - 2, P) % P
BASE = _point(_Y.to_bytes(32, "little"))


def signed_by(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a signature of 64 bytes over a message is of the public key of 32 bytes."""
    if len(public) != 32 or len(signature) != 64 or BASE is None:
        return False
    key, r = _point(public), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if key is None or r is None or s >= Q:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    left = _times(s, BASE)
    right = _add(r, _times(int.from_bytes(digest, "little") % Q, key))
    same_x = (left[0] * right[2] - right[0] * left[2]) % P == 0
    return same_x and (left[1] * right[2] - right[1] * left[2]) % P == 0


def packed(files: Mapping[str, bytes]) -> bytes:
    """The one archive of some files: stored, sorted, without times of day."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            one = zipfile.ZipInfo(name, EPOCH)
            one.create_system, one.external_attr = 3, 0o100644 << 16
            archive.writestr(one, files[name])
    return whole.getvalue()


def unpacked(data: bytes) -> dict[str, bytes]:
    """The files of an archive.

    Raises:
        ValueError: it is not byte for byte the archive of these files.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = {one.filename: archive.read(one) for one in archive.infolist()}
        same = packed(files) == data
    except (zipfile.BadZipFile, ValueError, OSError, RuntimeError, NotImplementedError) as error:
        raise ValueError(f"the archive cannot be read: {error}") from error
    if not same:
        raise ValueError("the archive itself was changed between its files")
    return files


def faults(files: Mapping[str, bytes], key: str | None = None) -> list[str]:
    """What is wrong with the files of a bundle, in sentences; empty when nothing is.

    Args:
        key: fingerprint the signing key must have, from whoever handed the bundle out.
    """
    for name in (MANIFEST, SIGNATURE):
        if name not in files:
            return [f"{name} is missing."]
    try:
        manifest = json.loads(files[MANIFEST])
        public = bytes.fromhex(manifest["key"]["public"])
        listed = {one["path"]: one for one in manifest["files"]}
    except (ValueError, KeyError, TypeError):
        return [f"{MANIFEST} is not the manifest of a bundle."]
    found = _signature(files, public, key)
    if found:
        # what a manifest says that nobody signed counts for nothing
        return found
    for name in sorted({*listed, *files} - {MANIFEST, SIGNATURE}):
        if name not in files:
            found.append(f"{name} is missing.")
        elif name not in listed:
            found.append(f"{name} was added.")
        elif hashlib.sha256(files[name]).hexdigest() != listed[name]["sha256"]:
            found.append(f"{name} was changed.")
        elif len(files[name]) != listed[name]["bytes"]:
            found.append(f"{name} has another size than the manifest says.")
    return found + (_audit(files, public) if CHECKPOINT in files else [])


def fingerprint(public: bytes) -> str:
    """The name of a public key: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(public).hexdigest()[:16]


def _signature(files: Mapping[str, bytes], public: bytes, key: str | None) -> list[str]:
    text = files[SIGNATURE]
    if not re.fullmatch(rb"[0-9a-f]{128}\n", text):
        return [f"{SIGNATURE} is not a signature."]
    if not signed_by(public, files[MANIFEST], bytes.fromhex(text.decode().strip())):
        return [f"{MANIFEST} was changed: the signature is not of it."]
    if key is not None and key.replace(" ", "").lower() != fingerprint(public):
        return [f"It was signed by the key {fingerprint(public)}, not by {key}."]
    return []


def _audit(files: Mapping[str, bytes], public: bytes) -> list[str]:
    """What is wrong with the entries of the audit trail and the checkpoint over them."""
    line = re.fullmatch(
        rb'\{"checkpoint":(.*),"signature":"([0-9a-f]{128})"\}\n', files[CHECKPOINT], re.S
    )
    if line is None or not signed_by(public, line[1], bytes.fromhex(line[2].decode())):
        return [f"{CHECKPOINT} is not signed by the key of the bundle."]
    told: dict[str, Any] = json.loads(line[1])
    marks, since = base64.b64decode(told["marks"]), int(told["since"])
    if len(marks) != 4 * (int(told["seq"]) - since):
        return [f"{CHECKPOINT} does not cover what it says."]
    found = []
    entries = _entries(files.get(ENTRIES, b""))
    for number, previous, body, stated in entries:
        place = number - since - 1
        true = hashlib.sha256(previous + body).hexdigest()
        covered = 0 <= place < len(marks) // 4
        if true != stated or not covered or marks[4 * place : 4 * place + 4].hex() != true[:8]:
            found.append(f"Entry {number} of the audit trail is not the one that was signed.")
    return found + (_chain(files[CHAIN], told, entries) if CHAIN in files else [])


Entry = tuple[int, bytes, bytes, str]


def _entries(text: bytes) -> list[Entry]:
    """Number, hash before, body and stated hash of each line."""
    shape = re.compile(rb'\{"previous":"([0-9a-f]{64})","entry":(.*),"hash":"([0-9a-f]{64})"\}')
    found: list[Entry] = []
    for line in text.splitlines():
        told = shape.fullmatch(line)
        try:
            number = int(json.loads(told[2])["seq"]) if told else 0
        except (ValueError, KeyError, TypeError):
            told = None
        if told is None:
            found.append((0, b"", line, ""))
        else:
            found.append((number, told[1], told[2], told[3].decode()))
    return found


def _chain(text: bytes, told: Mapping[str, Any], entries: list[Entry]) -> list[str]:
    """Follows every entry from the first about the alert to the one that was signed."""
    lines = _entries(text)
    hashes = {number: stated for number, _, _, stated in lines}
    last = lines[0][1] if lines else b""
    for place, (number, previous, body, stated) in enumerate(lines, int(told["since"]) + 1):
        true = hashlib.sha256(last + body).hexdigest()
        if number != place or previous != last or stated != true:
            return [f"The chain of the audit trail breaks at entry {place}."]
        last = true.encode()
    if last.decode() != told["hash"] or len(lines) != told["seq"] - told["since"]:
        return ["The chain of the audit trail does not end at the entry that was signed."]
    strange = [number for number, *_, stated in entries if hashes.get(number) != stated]
    return [f"Entry {number} does not stand in the chain." for number in strange]


def read(path: Path) -> dict[str, bytes]:
    """The files of a bundle, an archive or a folder.

    Raises:
        ValueError: it is not an archive as it was handed out; OSError: it cannot be read.
    """
    if path.is_dir():
        inside = [one for one in path.rglob("*") if one.is_file()]
        return {one.relative_to(path).as_posix(): one.read_bytes() for one in inside}
    return unpacked(path.read_bytes())


def main(arguments: list[str] | None = None) -> int:
    """Verifies what is named on the command line and says what was found."""
    parser = argparse.ArgumentParser(description="Verifies an evidence bundle.")
    parser.add_argument("bundle", type=Path, help="the archive, or the folder it was unpacked into")
    parser.add_argument("--key", help="fingerprint of the key it must be signed by")
    asked = parser.parse_args(arguments)
    try:
        files = read(asked.bundle)
        found = faults(files, asked.key)
    except (OSError, ValueError) as error:
        files, found = {}, [f"{error}."]
    for fault in found:
        print(fault)
    if found:
        print("NOT WHOLE: do not rely on this bundle.")
        return BROKEN
    manifest = json.loads(files[MANIFEST])
    print(f"Whole: {len(files)} files about {manifest['subject']}, made {manifest['created']}.")
    print(f"Signed by the key {manifest['key']['fingerprint']}.")
    if asked.key is None:
        print("Ask whoever handed it out whether that is their key, or give it with --key.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
