"""What a rule of a grain may name, from a frame at run time or from the catalogue at lint time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from features.catalogue import FeatureCatalogue
from rules.checking import ColumnInfo, Quantity, ValueType, Vocabulary, unit_of, vocabulary
from rules.history import MISSING
from rules.parameters import ParameterBook, ParameterSpec, Threshold
from rules.spec import RuleSpec


def attribute_types(schema: pl.Schema, attributes: Iterable[str]) -> dict[str, ValueType]:
    """Types of the attributes a condition can use; dates and lists are left out."""
    found: dict[str, ValueType] = {}
    for name in attributes:
        dtype = schema.get(name)
        if dtype is None:
            continue
        if dtype.is_numeric():
            found[name] = "number"
        elif dtype == pl.Boolean:
            found[name] = "boolean"
        elif dtype in (pl.String, pl.Categorical, pl.Enum):
            found[name] = "text"
        elif dtype == pl.Null:
            found[name] = "any"
    return found


def parameter_types(thresholds: Mapping[str, Threshold]) -> dict[str, Quantity]:
    """Types and units of resolved thresholds, by the name a condition gives them."""
    return {name: Quantity(t.type, unit_of(t.unit)) for name, t in thresholds.items()}


def declared_types(
    parameters: Mapping[str, ParameterSpec], book: ParameterBook
) -> dict[str, Quantity]:
    """Types and units of a rule's parameters; tables that do not exist agree with everything."""
    found: dict[str, Quantity] = {}
    for name, spec in parameters.items():
        if spec.table is not None and spec.table not in book.tables:
            found[name] = Quantity("any")
        else:
            found[name] = Quantity(book.kind(spec), unit_of(book.unit(spec)))
    return found


def grain_vocabulary(grain: str, catalogue: FeatureCatalogue) -> Vocabulary:
    """Names of a grain by the catalogue; the types of attributes are not known there."""
    features = ((f.name, f.unit, f.kind == "class") for f in catalogue.of_grain(grain))
    bases = [b for b in catalogue.bases.values() if b.grain == grain]
    attributes: dict[str, ValueType] = {a: "any" for b in bases for a in b.attributes}
    return vocabulary(grain, features, attributes)


def with_silence(names: Vocabulary, spec: RuleSpec) -> Vocabulary:
    """The names a rule may use: one about silence also reads how long it has lasted."""
    if spec.absence is None:
        return names
    lasting = ColumnInfo(MISSING, "attribute", Quantity("number"))
    return Vocabulary(names.grain, {**names.columns, MISSING: lasting})
