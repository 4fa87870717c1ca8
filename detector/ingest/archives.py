"""Zip files of public registers, unpacked within limits.

Nothing in the archive is believed: names choose no path outside the folder given, sizes are those
counted while unpacking, and an archive inside the archive is refused.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from detector.ingest.faults import file_error, shorten
from detector.ingest.limits import Limits
from features.errors import WardenError

ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".tgz", ".tar.gz", ".bz2", ".xz", ".zst")
_PIECE = 1 << 20


def members(files: Sequence[Path], area: Path, limits: Limits) -> list[Path]:
    """The files, with each zip file replaced by what it holds, unpacked below `area`.

    Raises:
        WardenError: ``no_files``, ``file_not_found``, ``broken_zip``, ``encrypted_zip``,
            ``unsafe_zip``,
            ``zip_in_zip``, ``too_many_members``, ``unpacks_too_large``, ``empty_file``.
    """
    if not files:
        raise WardenError("no_files", "No file was named.", "Name one or more files.")
    found: list[Path] = []
    for number, path in enumerate(files):
        if path.suffix.lower() == ".zip" and not path.is_dir():
            found += _unpacked(path, area / f"zip-{number:04}", limits)
        else:
            found.append(path)
    return found


def _unpacked(path: Path, folder: Path, limits: Limits) -> list[Path]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            _check(path, entries, limits)
            return _extract(path, archive, entries, folder, limits)
    except FileNotFoundError as error:
        hint = "Check the name and the folder."
        raise file_error(path, "file_not_found", "there is no such file.", hint) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise file_error(
            path,
            "broken_zip",
            f"it is not a whole zip file ({error}).",
            "Send the whole file again, or send it unpacked.",
        ) from error
    except OSError as error:
        says = f"it cannot be opened ({error.strerror or error})."
        raise file_error(path, "file_not_readable", says, "Check its rights.") from error


def _check(path: Path, entries: Sequence[zipfile.ZipInfo], limits: Limits) -> None:
    """Refuses the archive for what its directory says, before anything is unpacked."""
    if not entries:
        raise file_error(path, "empty_file", "the zip file holds no file.", "Send a filled one.")
    if len(entries) > limits.members:
        says = f"it holds {len(entries)} files; at most {limits.members} are read."
        raise file_error(path, "too_many_members", says, "Send it in several zip files.")
    for entry in entries:
        name = shorten(entry.filename)
        if not _harmless(entry):
            says = f"it holds `{name}`, a name that leads outside the archive or a link."
            raise file_error(path, "unsafe_zip", says, "Do not trust it; get it from its source.")
        if entry.flag_bits & 1:
            says = f"`{name}` is encrypted."
            raise file_error(path, "encrypted_zip", says, "Unpack it and send what it holds.")
        if entry.filename.lower().endswith(ARCHIVES):
            says = f"it holds another archive, `{name}`."
            hint = "Unpack the outer one and send the inner ones."
            raise file_error(path, "zip_in_zip", says, hint)


def _harmless(entry: zipfile.ZipInfo) -> bool:
    """Whether the name stays inside and the entry is a plain file."""
    name = entry.orig_filename
    parts = (*PurePosixPath(name).parts, *PureWindowsPath(name).parts)
    rooted = PurePosixPath(name).is_absolute() or bool(PureWindowsPath(name).anchor)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    return not rooted and ".." not in parts and "\x00" not in name and kind in (0, stat.S_IFREG)


def _extract(
    path: Path,
    archive: zipfile.ZipFile,
    entries: Sequence[zipfile.ZipInfo],
    folder: Path,
    limits: Limits,
) -> list[Path]:
    """Unpacks each entry into a folder of its own, so that equal names do not meet."""
    size = path.stat().st_size
    allowed = min(limits.unpacked_bytes, max(limits.ratio_from, limits.ratio * size))
    found: list[Path] = []
    for number, entry in enumerate(entries):
        target = folder / f"{number:04}" / PurePosixPath(entry.filename).name
        target.parent.mkdir(parents=True)
        with archive.open(entry) as source, target.open("wb") as out:
            allowed -= _copy(source, out, allowed, path, limits)
        found.append(target)
    return found


def _copy(source: IO[bytes], out: IO[bytes], allowed: int, path: Path, limits: Limits) -> int:
    done = 0
    while piece := source.read(_PIECE):
        done += len(piece)
        if done > allowed:
            raise _bomb(path, limits)
        out.write(piece)
    return done


def _bomb(path: Path, limits: Limits) -> WardenError:
    return file_error(
        path,
        "unpacks_too_large",
        f"it unpacks to more than {limits.unpacked_bytes >> 20} MiB "
        f"or to more than {limits.ratio} times its size.",
        "Send it unpacked, or in several files.",
    )
