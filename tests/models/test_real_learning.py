"""What reviewed cases bring on real findings: classifiers, and the order after a hundred reviews.

Labels are learnt from here, so every figure is of tenders the learner has not seen.
"""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.detection.real import tenders
from benchmarks.detection.reviewer import curve
from detector.inference import roc_auc
from detector.models.contest import entries
from tests.conftest import shared_data

pytestmark = pytest.mark.real


@pytest.mark.parametrize(("name", "floor"), [("bids-japan", 0.79), ("bids-ticino", 0.90)])
def test_classifiers_on_tenders_they_have_not_seen(name: str, floor: float) -> None:
    shared_data(name)
    findings = tenders(name)
    keys = findings.frame.frame["subject_key"]
    cases = dict(zip(keys, findings.labels.astype(int).tolist(), strict=True))
    learners = ("extra_trees", "logistic")
    ranked = entries(findings.frame, findings.fitted, "MON-BID-*", cases, names=learners)
    for learner, found in ranked:
        assert found.height == len(cases)
        value = roc_auc([cases[k] for k in found["subject_key"]], found["value"].to_numpy())
        assert value is not None
        assert value >= floor, learner


@pytest.mark.parametrize(("name", "gain"), [("bids-japan", 1.3), ("bids-ticino", 0.99)])
def test_a_hundred_reviews_order_the_rest_better_and_never_worse(name: str, gain: float) -> None:
    shared_data(name)
    last = curve(name, seeds=1)[-1]
    assert last.reviews == 100
    assert last.ratio >= gain
    assert last.learnt_ap >= last.prior_ap - 0.01


def test_what_is_learnt_from_holds_no_label() -> None:
    shared_data("bids-japan")
    findings = tenders("bids-japan")
    assert "label" not in findings.frame.frame.columns
    assert "label" not in findings.learnable().names
    assert np.isfinite(findings.prior).all()
