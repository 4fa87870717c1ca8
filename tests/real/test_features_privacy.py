"""Privacy features on the real data sets."""

from __future__ import annotations

import polars as pl
import pytest

from features.parameters.necessary_information import APP_TYPES
from tests.conftest import shared_data
from tests.real.test_features_real import computed

pytestmark = pytest.mark.real


def test_thirteen_kinds_of_app_need_nothing_and_the_rest_something() -> None:
    folder = shared_data("cn-necessary-info")
    filed = pl.read_csv(folder / "necessary_info_39.csv")
    none = set(filed.filter(pl.col("none_needed") == 1)["type_no"])
    assert {a.number for a in APP_TYPES if not a.necessary} == none
    assert (len(none), len(APP_TYPES)) == (13, 39)
    assert set(filed["type_no"]) == {a.number for a in APP_TYPES}
    names = dict(filed.select("type_no", "type_zh").iter_rows())
    assert all(names[a.number][:2] == a.zh[:2] for a in APP_TYPES)
    # Nothing is called verified here that the published text was not compared for.
    checked = set(filed.filter(pl.col("text_checked") == 1)["type_no"])
    assert {a.number for a in APP_TYPES if a.verified} <= checked


def test_exactly_the_labelled_apps_send_the_advertising_id_without_consent() -> None:
    folder = shared_data("consent-traffic")
    frame = computed(folder, ("apps", "observed_flows"), "PRIV-PRECONSENT").frames["app_v"].frame
    found = set(frame.filter(pl.col("pre_ad_id_without_consent") == 1)["subject_key"])
    labels = pl.read_csv(folder / "labels.csv")
    assert found == set(labels.filter(pl.col("label") == 1)["subject_key"])
    assert (len(found), frame.height) == (366, 382)
    # Three test states are far fewer than fifty sessions: no share is made up from them.
    assert set(frame["refused_tracker_share__reason"]) == {"too_few"}


def test_declarations_without_recipients_or_purposes_are_not_filed() -> None:
    folder = shared_data("app-labels-android-2022")
    names = ("apps", "data_declarations", "observed_flows", "data_type_map")
    done = computed(folder, names, "PRIV-UNDECLARED-SHARING", "PRIV-PURPOSE-MISMATCH",
                    "PRIV-OVERCOLLECT")  # fmt: skip
    frame = done.frames["app_v"].frame
    assert frame.height == 442
    assert set(frame["us_undeclared_ratio__reason"]) == {"missing_input"}
    assert frame["pm_mismatch_share"].null_count() == 442
    # Store genres are none of the 39 kinds; peers are still compared with peers.
    assert set(frame["oc_excess_count__reason"]) == {"not_applicable", "missing_input"}
    assert frame["oc_peer_z"].drop_nulls().len() == 213
