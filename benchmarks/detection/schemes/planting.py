"""What planting is: filings in, filings with a scheme out, and whom the scheme is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from detector.demo.world import LOAD_ORDER

Tables = Mapping[str, pl.DataFrame]
Random = np.random.Generator


@dataclass(frozen=True)
class Planted:
    """Filings with schemes in them.

    Attributes:
        tables: all filings, changed or not.
        cases: one set of subject ids a scheme (the members of a ring, one app, ...).
        events: what else is part of a scheme and may rightly be alerted on (rigged tenders).
    """

    tables: dict[str, pl.DataFrame]
    cases: tuple[frozenset[str], ...]
    events: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scheme:
    """One kind of scheme.

    Attributes:
        typologies: under which each case should show.
        strength: what the strength means, in words.
        subjects: what alerts are counted per thousand of: a table and the columns of its key.
        kinds: kinds of subjects whose alerts name a case; all when empty. Of others (a single
            tender) it is only counted how many there are.
        least: share of a case's ids that alerts must name for the case to count as detected.
    """

    name: str
    typologies: tuple[str, ...]
    strength: str
    subjects: tuple[str, tuple[str, ...]]
    plant: Callable[[Tables, float, Random], Planted]
    kinds: tuple[str, ...] = ()
    least: float = 0.5


@dataclass(frozen=True)
class World:
    """Filings and what is planted in them.

    Attributes:
        tables: filings by seed; a real set gives the same ones for every seed.
        drawn: whether another seed is another market.
        order: tables in the order to file them.
    """

    name: str
    tables: Callable[[int], Mapping[str, pl.DataFrame]]
    schemes: tuple[Scheme, ...]
    drawn: bool = False
    order: tuple[str, ...] = LOAD_ORDER


def blend(honest: np.ndarray, planted: np.ndarray, strength: float) -> np.ndarray:
    """Between two positive amounts, on the scale of logarithms."""
    return np.asarray(np.exp((1 - strength) * np.log(honest) + strength * np.log(planted)))
