"""Codes in sentences are told in the words of the reader, ids as they are."""

from __future__ import annotations

from typing import Literal

import polars as pl
import pytest

from features.parameters.necessary_information import APP_TYPES, PERSONAL_DATA
from rules.terms import chinese, told


@pytest.mark.parametrize(
    ("attribute", "filed", "language", "text"),
    [
        ("app_type", "online_shopping", "en", "online shopping"),
        ("app_type", "online_shopping", "zh", "网上购物"),
        ("app_type", "news|short_video", "zh", "新闻资讯、短视频"),
        ("app_type", "news|short_video", "en", "news, short video"),
        ("app_type", "other_kind", "zh", "other kind"),
        ("data_type", "contact.phone", "zh", "手机号码"),
        ("data_type", "IMEI", "zh", "设备标识"),
        ("data_type", "precise_location", "en", "precise location"),
        ("filing", "metric_filings", "zh", "数据指标申报"),
        ("target_id", "firm_0001", "zh", "firm_0001"),
        ("app_type", None, "zh", None),
    ],
)
def test_codes_become_words(
    attribute: str, filed: str | None, language: Literal["en", "zh"], text: str | None
) -> None:
    frame = pl.DataFrame({"x": [filed]}, schema={"x": pl.String})
    assert frame.select(told(pl.col("x"), attribute, language)).item() == text


def test_every_kind_of_app_and_every_word_for_data_has_a_chinese_name() -> None:
    assert set(chinese("app_type")) == {kind.code for kind in APP_TYPES}
    assert set(PERSONAL_DATA) <= set(chinese("data_type"))
