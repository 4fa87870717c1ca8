"""Notices of personal-data breaches: most in time, some late, one not given at all.

Each jurisdiction gives its own time to notify; honest operators mostly use a part of it and late
ones overrun it by a little or by a lot. The times are those of the laws (GDPR art. 33; the Chinese
incident reporting measures in force from 2025-11-01; state statutes of the United States), which
bind operators, and not the parameters of any detector.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from detector.demo.firms import Firms
from detector.demo.labels import Labels
from detector.demo.size import Size
from detector.demo.timeline import (
    DAYS,
    START,
    Bools,
    Floats,
    Ints,
    instants,
    numbered,
    stream,
    take,
)

_TYPOLOGY = "PRIV-BREACH-LATE"
_PLACES = ("EU", "CN", "US-WA", "US-CA")
_HOURS = {"EU": 72.0, "US-WA": 30 * 24.0, "US-CA": 30 * 24.0}
_CN_IN_FORCE = (date(2025, 11, 1) - START).days
_US_CA_IN_FORCE = (date(2026, 1, 1) - START).days
_CN_MAJOR_PERSONS = 1_000_000


def make_breaches(seed: int, size: Size, firms: Firms, labels: Labels) -> pl.DataFrame:
    """The `breach_notifications` table."""
    rng = stream(seed, "breaches")
    count = size.breaches
    place = rng.choice(len(_PLACES), count, p=(0.4, 0.3, 0.2, 0.1))
    persons = np.exp(rng.normal(8.5, 2.2, count)).astype(np.int64) + 20
    chinese = np.flatnonzero(place == _PLACES.index("CN"))
    large = chinese[rng.random(chinese.size) < 0.45]
    persons[large] = np.exp(rng.uniform(np.log(1.1e6), np.log(1.5e8), large.size)).astype(np.int64)
    operator = rng.choice(firms.ids.len(), count)
    critical = firms.frame["is_ciio"].to_numpy()[operator] | (
        (place == 1) & (rng.random(count) < 0.15)
    )
    aware = rng.uniform(0.0, DAYS - 60.0, count)
    aware[large] = rng.uniform(_CN_IN_FORCE, DAYS - 60.0, large.size)
    allowed = _allowed_hours(place, aware, persons, critical)
    late = (rng.random(count) < 0.13) & np.isfinite(allowed)
    late[_one_each(rng, place, np.isfinite(allowed))] = True
    # In California the authority may be told 15 days after the residents: late is later still.
    delay = _delays(rng, allowed, late) * np.where(late & (place == _PLACES.index("US-CA")), 1.5, 1)
    silent = _largest_late(late, persons)
    notified = np.where(np.arange(count) == silent, np.nan, aware + delay / 24.0)
    ids = numbered("INC-", count, 4)
    unknown = (rng.random(count) < 0.02) & ~late
    _label(ids, late, unknown, silent, labels)
    users = _users_told(rng, place, aware, notified)
    return pl.DataFrame(
        {
            "incident_id": ids,
            "operator_id": take(firms.ids, operator),
            "aware_at": instants(np.where(unknown, np.nan, aware)),
            "notified_at": instants(notified),
            "users_notified_at": instants(users),
            "persons": persons,
            "sensitive_persons": (persons * rng.beta(0.6, 3.0, count)).astype(np.int64),
            "is_ciio": critical,
            "jurisdiction": take(_PLACES, place),
        }
    )


def _allowed_hours(place: Ints, aware: Floats, persons: Ints, critical: Bools) -> Floats:
    """Hours the law gave each operator; NaN where no fixed time applied."""
    hours = np.full(place.size, np.nan)
    for number, name in enumerate(_PLACES):
        if name in _HOURS:
            hours[place == number] = _HOURS[name]
    chinese = (place == _PLACES.index("CN")) & (aware >= _CN_IN_FORCE)
    large = chinese & (persons >= _CN_MAJOR_PERSONS)
    hours[large] = np.where(critical[large], 1.0, 4.0)
    californian = place == _PLACES.index("US-CA")
    hours[californian & (aware < _US_CA_IN_FORCE)] = np.nan
    return hours


def _delays(rng: np.random.Generator, allowed: Floats, late: Bools) -> Floats:
    """Hours from awareness to notice: part of the time allowed, or beyond it by 5 % to 20-fold."""
    free = np.exp(rng.normal(np.log(60.0), 1.0, allowed.size))
    in_time = allowed * rng.beta(2.5, 1.5, allowed.size) * 0.98
    overrun = allowed * np.exp(rng.uniform(np.log(1.05), np.log(20.0), allowed.size))
    overrun = np.minimum(overrun, np.maximum(allowed * 1.05, 50 * 24.0))
    return np.where(np.isnan(allowed), free, np.where(late, overrun, in_time))


def _users_told(rng: np.random.Generator, place: Ints, aware: Floats, notified: Floats) -> Floats:
    """When the persons were told: in California always and first, elsewhere at times and later."""
    later = np.where(rng.random(place.size) < 0.7, notified + rng.uniform(0.5, 20.0, place.size),
                     np.nan)  # fmt: skip
    first = aware + (notified - aware) * rng.uniform(0.75, 1.0, place.size)
    return np.where(place == _PLACES.index("US-CA"), first, later)


def _one_each(rng: np.random.Generator, place: Ints, dated: Bools) -> Ints:
    """One incident of each jurisdiction in which a time applies."""
    found = [np.flatnonzero((place == number) & dated) for number in range(len(_PLACES))]
    return np.array([rng.choice(rows) for rows in found if rows.size], dtype=np.int64)


def _largest_late(late: Bools, persons: Ints) -> int:
    """The late incident with the most persons: its operator has said nothing yet."""
    return int(np.argmax(np.where(late, persons, -1)))


def _label(ids: pl.Series, late: Bools, unknown: Bools, silent: int, labels: Labels) -> None:
    open_case = np.arange(late.size) == silent
    labels.planted("incident", ids.filter(pl.Series(open_case)), (_TYPOLOGY,), "late-notices",
                   "not yet notified")  # fmt: skip
    labels.planted("incident", ids.filter(pl.Series(late & ~open_case)), (_TYPOLOGY,),
                   "late-notices", "notified after the legal time")  # fmt: skip
    labels.honest("incident", ids.filter(pl.Series(~late & ~unknown)), (_TYPOLOGY,))
