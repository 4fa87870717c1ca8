"""The facts behind a suspicion: each feature's value, its peers, and its share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from detector.models.judge import Judgement

if TYPE_CHECKING:
    from features.compute import FeatureFrame

NO_FACTS = "[]"


def contributions(
    frame: FeatureFrame,
    own: Judgement,
    family: Judgement | None,
    present: NDArray[np.bool_],
) -> pl.Series:
    """Facts as JSON text, largest share first; an empty list where nothing was judged.

    Each fact: feature, part (``own``, ``family`` or ``both``), value, reason, unit, direction,
    peer_median, z, pct, share, n, peers, level, reference (version of the frozen peers). Shares
    sum to 1; where a family is read together
    with the model, each of the two brings one half.
    """
    shares, parts = _shares_by_feature(own, family)
    units = {f.name: (f.unit, f.direction) for f in frame.features}
    facts = [
        pl.struct(
            feature=pl.lit(name),
            part=pl.lit(parts[name]),
            value=pl.col(name),
            reason=pl.col(f"{name}__reason"),
            unit=pl.lit(units[name][0]),
            direction=pl.lit(units[name][1]),
            peer_median=pl.col(f"{name}__median"),
            z=pl.col(f"{name}__z"),
            pct=pl.col(f"{name}__pct"),
            share=pl.Series(share).fill_nan(None),
            n=pl.col(f"{name}__n"),
            peers=pl.col(f"{name}__peers"),
            level=pl.col(f"{name}__level"),
            reference=pl.lit(frame.reference),
        )
        for name, share in shares.items()
    ]
    element = pl.element()
    ordered = pl.concat_list(facts).list.eval(
        element.sort_by(element.struct.field("share"), descending=True, maintain_order=True)
    )
    texts = ordered.list.eval(pl.element().struct.json_encode()).list.join(",")
    whole = pl.concat_str(pl.lit("["), texts, pl.lit("]"))
    judged = pl.when(pl.Series(present)).then(whole).otherwise(pl.lit(NO_FACTS))
    return frame.frame.select(contributions=judged)["contributions"]


def _shares_by_feature(
    own: Judgement, family: Judgement | None
) -> tuple[dict[str, NDArray[np.float64]], dict[str, str]]:
    weight = 1.0 if family is None else 0.5
    shares = {f: weight * own.shares[:, j] for j, f in enumerate(own.evidence.features)}
    parts = dict.fromkeys(shares, "own")
    if family is not None:
        for j, f in enumerate(family.evidence.features):
            parts[f] = "both" if f in shares else "family"
            shares[f] = shares.get(f, np.zeros(own.p.shape)) + 0.5 * family.shares[:, j]
    return shares, parts
