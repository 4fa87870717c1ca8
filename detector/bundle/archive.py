"""The files of a bundle: manifest, signature, and one archive that has only one spelling."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from detector.bundle.verify import MANIFEST, SIGNATURE, fingerprint, packed
from detector.export import disarmed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FORM = "warden-bundle/1"
KEY = "public-key.pem"
TYPES = {
    "html": "text/html; charset=utf-8", "pdf": "application/pdf", "json": "application/json",
    "jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8", "svg": "image/svg+xml",
    "yaml": "application/yaml", "py": "text/x-python; charset=utf-8",
    "txt": "text/plain; charset=utf-8", "pem": "application/x-pem-file",
}  # fmt: skip


def sealed(
    files: Mapping[str, bytes], told: Mapping[str, Any], key: Ed25519PrivateKey
) -> dict[str, bytes]:
    """The files with public key, manifest and signature.

    Args:
        told: what the manifest says besides the files.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = key.public_key()
    raw = public.public_bytes_raw()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    whole = {**files, KEY: pem}
    manifest = {
        "form": FORM,
        **told,
        "key": {"algorithm": "Ed25519", "public": raw.hex(), "fingerprint": fingerprint(raw)},
        "files": [_listed(name, whole[name]) for name in sorted(whole)],
    }
    body = as_json(manifest)
    return {**whole, MANIFEST: body, SIGNATURE: f"{key.sign(body).hex()}\n".encode()}


def archive(files: Mapping[str, bytes]) -> bytes:
    """The bytes of the bundle."""
    return packed(files)


def as_json(value: Any) -> bytes:
    """JSON for people and programs: sorted, indented, UTF-8."""
    return (json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()


def as_csv(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as CSV (RFC 4180) in which no text is a formula to a spreadsheet."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([disarmed(name) for name in columns])
    for row in rows:
        values = (row.get(name) for name in columns)
        writer.writerow([disarmed(v) if isinstance(v, str) else v for v in values])
    return text.getvalue().encode()


def _listed(name: str, content: bytes) -> dict[str, Any]:
    return {
        "path": name,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "type": TYPES[name.rpartition(".")[2]],
    }
