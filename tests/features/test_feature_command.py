"""`warden features`: every feature can be listed and explained, with the limits it stands on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from detector.cli.features import description
from detector.cli.main import app
from features.catalogue import catalogue
from features.errors import WardenError


def answer(*words: str) -> Any:
    done = CliRunner().invoke(app, ["--json", "features", *words], catch_exceptions=False)
    assert done.exit_code == 0
    return json.loads(done.stdout)


def test_the_list_holds_every_feature_or_those_of_one_typology() -> None:
    assert [r["feature"] for r in answer("list")] == list(catalogue().features)
    narrowed = answer("list", "--typology", "MON-BID-CV")
    assert [r["feature"] for r in narrowed] == [
        f.name for f in catalogue().of_typology("MON-BID-CV")
    ]
    assert {r["typology"] for r in narrowed} == {"MON-BID-CV"}


def test_one_feature_is_explained() -> None:
    shown = answer("show", "bid_cv")
    assert shown["title"] == {"en": "relative spread of bids", "zh": "报价变异系数"}
    assert (shown["typology"], shown["grain"], shown["unit"]) == ("MON-BID-CV", "tender", "ratio")
    assert (shown["suspicious"], shown["least_n"]) == ("low", 3)
    assert "ddof 1" in shown["meaning"]
    assert "Imhof" in shown["source"]
    assert "bids.amount" in shown["inputs"]
    assert shown["tables"] == ["tenders", "bids"]
    assert shown["parameters"] == []
    text = CliRunner().invoke(app, ["features", "show", "bid_cv"]).stdout
    assert "relative spread of bids" in text
    assert "Means something only beside peers." in text


def test_limits_a_feature_reads_are_told_with_what_was_verified() -> None:
    from features.parameters.transfer_tiers import BULK_LIMITS, CONCERN_ROWS, TIERS

    name = catalogue().of_typology("PRIV-XBORDER")[0].name
    (limits,) = answer("show", name)["parameters"]
    assert limits["table"] == "transfer_tiers"
    assert limits["rows"] == len(TIERS) + len(BULK_LIMITS) + len(CONCERN_ROWS)
    assert limits["verified"] == len(TIERS) + len(BULK_LIMITS)
    assert "28 CFR 202.205" in limits["sources"]


def test_limits_nobody_has_seen_are_not_called_verified() -> None:
    late = catalogue().of_typology("PRIV-BREACH-LATE")[0]
    (limits,) = description(late)["parameters"]
    assert 0 < limits["verified"] < limits["rows"]


def test_every_feature_can_be_explained() -> None:
    for feature in catalogue().features.values():
        assert description(feature)["meaning"]


def test_a_slip_of_the_pen_gets_the_nearest_names() -> None:
    with pytest.raises(WardenError, match="bid_cw") as raised:
        answer("show", "bid_cw")
    assert "bid_cv" in (raised.value.hint or "")
    with pytest.raises(WardenError, match="NO-SUCH"):
        answer("list", "--typology", "NO-SUCH")
