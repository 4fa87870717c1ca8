"""The mapping file: how the columns and values of a filing become canonical ones.

encoding: gb18030              # default: UTF-8, or UTF-16 with its mark
delimiter: ";"                 # default: found in the header
rename: {中标金额: award_value}  # column in the file -> canonical column
constants: {currency: CNY}     # canonical column -> the value of every row
values: {status: {有效: valid}} # canonical column -> word in the file -> canonical word
dates: {awarded_at: "%d/%m/%Y"}  # strptime text, or a list of them, instead of ISO 8601
timezone: Asia/Shanghai        # of times without an offset; default UTC
decimal: ","                   # decimal mark of every number; default "."
thousands: "."                 # mark between thousands; default none
units: {award_value: 10000}    # the value in the file times this is the canonical one (万)
"""

from __future__ import annotations

import codecs
import hashlib
import zoneinfo
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from detector.whole_files import replace_bytes
from features.contracts import TableContract
from features.errors import WardenError

SIZE_LIMIT = 1 << 20


class Mapping(BaseModel):
    """A checked mapping; the empty one changes nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    encoding: str | None = None
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    rename: dict[str, str] = {}
    constants: dict[str, str | int | float | bool] = {}
    values: dict[str, dict[str, str]] = {}
    dates: dict[str, str | list[str]] = {}
    timezone: str = "UTC"
    decimal: str = Field(default=".", pattern=r"^[.,]$")
    thousands: str | None = Field(default=None, pattern=r"^[.,' \u00a0\u202f]$")
    units: dict[str, float | int] = {}

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                codecs.lookup(value)
            except LookupError as error:
                raise ValueError(f"there is no encoding `{value}`") from error
        return value

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        if value not in zoneinfo.available_timezones():
            raise ValueError(f"there is no time zone `{value}`")
        return value

    @field_validator("units")
    @classmethod
    def _usable_units(cls, value: dict[str, float | int]) -> dict[str, float | int]:
        for name, factor in value.items():
            if not 0 < factor < 1e15:
                raise ValueError(f"the factor of `{name}` must be above zero and finite")
        return value

    @model_validator(mode="after")
    def _distinct_marks(self) -> Mapping:
        if self.thousands == self.decimal:
            raise ValueError("`decimal` and `thousands` are the same mark")
        return self

    def formats(self, column: str) -> tuple[str, ...]:
        """Date formats of a column, none when ISO 8601 is to be read."""
        given = self.dates.get(column, ())
        return (given,) if isinstance(given, str) else tuple(given)


@dataclass(frozen=True, slots=True)
class LoadedMapping:
    """A mapping and the hash of its bytes; without a file the hash is empty."""

    mapping: Mapping
    digest: str
    raw: bytes = b""


def kept_place(home: Path, digest: str) -> Path:
    """Where a mapping lies that some batch was read by."""
    return home / "mappings" / f"{digest}.yaml"


def keep_mapping(home: Path, loaded: LoadedMapping) -> None:
    """Keeps a mapping under its hash: rows quarantined by it are to be read by it again."""
    place = kept_place(home, loaded.digest)
    if loaded.digest and not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        replace_bytes(place, loaded.raw)


def load_mapping(path: Path | None, contract: TableContract) -> LoadedMapping:
    """Reads and checks a mapping against the table it is for.

    Raises:
        WardenError: ``bad_mapping`` with file, line, cause and next step.
    """
    if path is None:
        return LoadedMapping(Mapping(), "")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise _bad(path, None, f"cannot be read ({error.strerror})") from error
    if len(raw) > SIZE_LIMIT:
        raise _bad(path, None, "is larger than 1 MiB")
    tree = _parse(path, raw)
    try:
        mapping = Mapping.model_validate(_plain(tree))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(p) for p in first["loc"]) or "mapping"
        says = first["msg"].removeprefix("Value error, ")
        raise _bad(path, _line(tree, first["loc"]), f"`{where}`: {says}") from error
    _check_columns(path, tree, mapping, contract)
    return LoadedMapping(mapping, hashlib.sha256(raw).hexdigest(), raw)


def _parse(path: Path, raw: bytes) -> Any:
    """YAML 1.2 without anchors; duplicate keys are refused by the loader."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.events import AliasEvent

    try:
        text = raw.decode("utf-8-sig")
        for event in YAML(typ="safe", pure=True).parse(text):
            if isinstance(event, AliasEvent):
                line = event.start_mark.line + 1 if event.start_mark else None
                raise _bad(path, line, "aliases (`*name`) are not allowed")
        tree = YAML(typ="rt", pure=True).load(text)
    except UnicodeDecodeError as error:
        raise _bad(path, None, "is not UTF-8 text") from error
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise _bad(path, line, f"is not valid YAML: {error.problem}") from error
    except (YAMLError, RecursionError) as error:
        raise _bad(path, None, f"is not valid YAML: {error}") from error
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise _bad(path, 1, "must hold keys and values at its top")
    return tree


def _plain(node: Any) -> Any:
    """Plain dicts and lists out of the loader's own, so that strict types hold."""
    if isinstance(node, dict):
        return {str(k): _plain(v) for k, v in node.items()}
    if isinstance(node, list):
        return [_plain(v) for v in node]
    for plain in (bool, int, float, str):
        if isinstance(node, plain):
            return plain(node)
    return node


def _line(tree: Any, loc: tuple[int | str, ...]) -> int | None:
    """Line of the deepest key of `loc` that the file has."""
    line: int | None = None
    node = tree
    for part in loc:
        if not isinstance(node, dict) or part not in node or not hasattr(node, "lc"):
            break
        line = int(node.lc.key(part)[0]) + 1
        node = node[part]
    return line


def _check_columns(path: Path, tree: Any, mapping: Mapping, contract: TableContract) -> None:
    """Every canonical name in the mapping must be a column that can be filed."""
    fileable = {c.name for c in contract.columns if c.derived_from is None}
    names = [("rename", source, target) for source, target in mapping.rename.items()]
    for section in ("constants", "values", "dates", "units"):
        names += [(section, name, name) for name in getattr(mapping, section)]
    for section, key, name in names:
        if name not in fileable:
            raise _bad(
                path,
                _line(tree, (section, key)),
                f"`{section}`: table `{contract.name}` has no column `{name}`",
                f"Its columns: {', '.join(sorted(fileable))}.",
            )
    targets = list(mapping.rename.values())
    for name in targets:
        if targets.count(name) > 1:
            raise _bad(path, _line(tree, ("rename",)), f"two columns are renamed to `{name}`")


def _bad(path: Path, line: int | None, says: str, hint: str = "") -> WardenError:
    place = f"{path.name}, line {line}" if line else path.name
    known = f"Known keys: {', '.join(Mapping.model_fields)}."
    return WardenError("bad_mapping", f"Mapping {place}: {says}.", hint or known)
