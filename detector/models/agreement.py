"""How far the typologies of one family agree about a subject, each piece of evidence counted once.

The screens of a family answer one question (is this tender rigged?) by several signs. Where one
sign is enough the most suspicious typology speaks; where the signs are weak and should agree, their
mean does (catalogue, 6.5 steps 2 and 3). A typology whose screens are all among those of the family
adds nothing to it and is not counted a second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from detector.inference import Floats
from detector.models.base import ModelSpec


def bringing_own_evidence(family: ModelSpec, members: Iterable[ModelSpec]) -> list[str]:
    """Ids of the active members that look at more than the family does, in order."""
    known = set(family.features)
    mine = [m for m in members if m.family == family.id and m.active and m.joint != "alone"]
    return sorted(m.id for m in mine if not set(m.features) <= known)


def agreement(family: Floats, members: Mapping[str, Floats]) -> Floats:
    """Mean suspicion of the family and of its members, shape (rows,).

    Args:
        family: suspicion of the family's own screens, NaN where not judged.
        members: the same of each member read together with the family.

    Returns:
        NaN where the family is not judged; a member that is not judged takes no part.
    """
    every = np.vstack([family, *(members[name] for name in sorted(members))])
    here = ~np.isnan(every)
    total = np.where(here, every, 0.0).sum(axis=0)
    mean = total / np.maximum(here.sum(axis=0), 1)
    return np.asarray(np.where(np.isnan(family), np.nan, mean), dtype=np.float64)
