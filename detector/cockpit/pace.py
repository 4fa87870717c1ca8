"""How fast conduct is seen and decided: delays, with what has not ended yet counted as such."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime, time, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from scipy.stats import CensoredData, ecdf

from alerts.connections import ReadConnection
from alerts.limits import NONE, Limits
from alerts.model import State
from alerts.tables import alert

Floats = NDArray[np.float64]
Row = dict[str, Any]
MOST = 20_000
"""Alerts looked at, the newest; a curve of more shows nothing else."""
LOOK_BACK = timedelta(days=365)
LEAST = 5
"""Alerts from which a median is told."""
DAY = 86_400.0


def pace(connection: ReadConnection, now: datetime, within: Limits = NONE) -> Row:
    """Delays of the alerts opened in the last year, the `MOST` newest.

    Returns:
        `seen`: days from the end of the period judged to the alert: `n`, `median`, `p90`.
        `decided`: days from the alert to its closing, those that wait counted as not yet closed:
        `n`, `waiting`, `median` with `low` and `high` (95 %), `steps` (`day`, `share`). A figure is
        None where too few alerts, or too few closed ones, tell it.
    """
    c = alert.c
    query = (
        sa.select(c.opened_at, c.updated_at, c.state, c.period_end)
        .where(c.opened_at > now - LOOK_BACK, *within.conditions())
        .order_by(c.opened_at.desc(), c.id)
        .limit(MOST)
    )
    rows = connection.execute(query).all()
    seen = np.array([_days(_end(end), opened) for opened, _, _, end in rows])
    ended = np.array([state == State.CLOSED for _, _, state, _ in rows], dtype=np.bool_)
    lasted = np.array(
        [
            _days(opened, changed if state == State.CLOSED else now)
            for opened, changed, state, _ in rows
        ]
    )
    return {"seen": _plain(seen), "decided": survival(lasted, ended)}


def survival(days: Floats, ended: NDArray[np.bool_]) -> Row:
    """The Kaplan-Meier estimate of how long an alert waits.

    The median is the first day on which half or fewer still wait; its interval is where the 95 %
    band of the curve (log-log) crosses one half (Brookmeyer and Crowley, 1982).

    Args:
        days: how long each has waited, (n,).
        ended: whether it has been closed, (n,); the others are censored.
    """
    told: Row = {
        "n": len(days), "waiting": int((~ended).sum()),
        "median": None, "low": None, "high": None, "steps": [],
    }  # fmt: skip
    if ended.sum() < LEAST:
        return told
    found = ecdf(CensoredData(uncensored=days[ended], right=days[~ended]))
    curve = found.sf
    with warnings.catch_warnings():
        # the band has no ends where nobody or everybody still waits; NaN crosses nothing
        warnings.simplefilter("ignore", RuntimeWarning)
        band = curve.confidence_interval(confidence_level=0.95, method="log-log")
    at = curve.quantiles
    told["median"] = _crossed(at, curve.probabilities)
    told["low"] = _crossed(at, band.low.probabilities)
    told["high"] = _crossed(at, band.high.probabilities)
    told["steps"] = _thinned(at, curve.probabilities)
    return told


def _crossed(at: Floats, shares: Floats) -> float | None:
    below = np.flatnonzero(shares <= 0.5)
    return float(at[below[0]]) if len(below) else None


def _thinned(at: Floats, shares: Floats, most: int = 120) -> list[Row]:
    """The steps of a curve, few enough to draw."""
    kept = np.unique(np.linspace(0, len(at) - 1, min(most, len(at))).astype(int))
    return [{"day": float(at[i]), "share": float(shares[i])} for i in kept]


def _plain(days: Floats) -> Row:
    enough = len(days) >= LEAST
    return {
        "n": len(days),
        "median": float(np.median(days)) if enough else None,
        "p90": float(np.quantile(days, 0.9)) if enough else None,
    }


def _end(day: Any) -> datetime:
    return datetime.combine(day, time.max, tzinfo=UTC)


def _days(start: datetime, end: datetime) -> float:
    return max(0.0, (end - start).total_seconds() / DAY)
