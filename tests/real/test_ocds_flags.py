"""The red flags the published examples document, through `ingest-ocds`, `detect` and `export`."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import shared_data
from tests.real.commands import Desk

pytestmark = pytest.mark.real
Release = dict[str, Any]


def short(release: Release) -> None:
    release["tender"]["tenderPeriod"]["endDate"] = "2020-08-18T18:00:00-05:00"


def second(release: Release) -> None:
    release["tender"]["numberOfTenderers"] = 2


def limited(release: Release) -> None:
    release["tender"]["procurementMethod"] = "limited"


def dearer(release: Release) -> None:
    release["bids"]["details"][1]["value"]["amount"] = 1.01


def in_time(release: Release) -> None:
    release["bids"]["details"][0]["date"] = "2000-03-14T00:00:00Z"


def another_stays(release: Release) -> None:
    release["bids"]["details"].append({"status": "valid", "tenderers": [{"id": "X"}]})


def lowest_stays(release: Release) -> None:
    release["bids"]["details"][0]["value"]["amount"] = 3


def read(folder: Path, flag: str) -> list[Release]:
    lines = (folder / "R" / f"{flag}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def judged(
    folder: Path, releases: list[Release], grain: str, *typologies: str
) -> Mapping[str, Release]:
    """Features by subject, after the commands a person would type."""
    desk, filed = Desk(folder / "home"), folder / "filed.jsonl"
    filed.write_text("\n".join(json.dumps(release) for release in releases))
    for balance in desk.warden("ingest-ocds", filed):
        assert balance["read"] == balance["accepted"] > 0
    frame = desk.features(grain, *typologies)
    return {row["subject_key"]: row for row in frame.iter_rows(named=True)}


ONE: list[tuple[str, str, float, Callable[[Release], None], float | None]] = [
    ("003", "submission_days", 1.0, short, 15.0),
    ("018", "single_bid", 1.0, second, 0.0),
    ("018", "single_bid", 1.0, limited, None),
    ("028", "bid_tie_opened", 1.0, dearer, 0.0),
    ("030", "late_bid_won", 1.0, in_time, 0.0),
    ("035", "rivals_disqualified", 1.0, another_stays, 0.0),
    ("036", "lowest_disqualified", 1.0, lowest_stays, 0.0),
]
"""Flag, feature, its value; a change that takes the reason away, and the value then."""


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Release]:
    """Every example of one process, and what is left of it without its reason, in one home."""
    folder = shared_data("ocds-examples")
    filed = []
    for flag, _, _, mend, _ in ONE:
        (release,) = read(folder, flag)
        mended = copy.deepcopy(release)
        mend(mended)
        filed += [release | {"ocid": flag}, mended | {"ocid": f"{flag}-{mend.__name__}"}]
    once = list({release["ocid"]: release for release in filed}.values())
    return judged(tmp_path_factory.mktemp("processes"), once, "tender",
                  "MON-BID-SINGLE", "MON-BID-IDENTICAL")  # fmt: skip


@pytest.mark.parametrize(("flag", "feature", "value", "mend", "then"), ONE)
def test_a_flag_on_one_process(
    processes: Mapping[str, Release],
    flag: str,
    feature: str,
    value: float,
    mend: Callable[[Release], None],
    then: float | None,
) -> None:
    assert processes[flag][feature] == value
    assert processes[f"{flag}-{mend.__name__}"][feature] == then


AMONG = [
    ("024", "tender", "MON-BID-DISTANCE", {"bid_lead_close": {"F"}, "bid_lead_wide": set()}),
    ("058", "tender", "MON-BID-DISTANCE", {"bid_lead_wide": {"F"}, "bid_lead_close": set()}),
    ("025", "firm_y", "MON-BID-COVER", {"cover_rare_wins": {"F"}}),
    ("038", "buyer_y", "MON-BID-SINGLE", {"buyer_disqualified_often": {"B"}}),
    ("048", "firm_y", "MON-BID-COVER", {"supply_variety_wide": {"F"}}),
]
"""Flag, grain, typology, and by feature who stands out; everyone else is to be spared."""


@pytest.mark.parametrize(("flag", "grain", "typology", "wanted"), AMONG)
def test_a_flag_among_several(
    tmp_path: Path, flag: str, grain: str, typology: str, wanted: Mapping[str, set[str]]
) -> None:
    found = judged(tmp_path, read(shared_data("ocds-examples"), flag), grain, typology)
    assert len(found) >= 5
    for feature, subjects in wanted.items():
        assert {key for key, row in found.items() if row[feature] == 1} == subjects
        assert {row[feature] for row in found.values()} == ({0, 1} if subjects else {0})
