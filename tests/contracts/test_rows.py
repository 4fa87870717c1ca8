"""A row that fits a contract is taken in whole; each check refuses the row that breaks it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from detector.ingest.limits import Limits
from detector.ingest.mapping import Mapping, load_mapping
from detector.ingest.readers import LINE
from detector.ingest.validate import Judged, judge
from detector.templates import csv_template, mapping_template
from features.contracts import CONTRACTS, TableContract
from features.contracts.references import REFERENCES
from tests.contracts.samples import bad_row, good_row
from tests.ingest.homes import Home, figures, open_home

TABLES = pytest.mark.parametrize("table", CONTRACTS.values(), ids=list(CONTRACTS))
CHECKS = pytest.mark.parametrize(
    ("table", "rule"),
    [(t, rule) for t in CONTRACTS.values() for rule in t.checks],
    ids=[f"{t.name}-{rule}" for t in CONTRACTS.values() for rule in t.checks],
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """One installation for all tables."""
    opened = open_home(tmp_path_factory.mktemp("contracts") / "home")
    yield opened
    opened.engine.dispose()


def _judge(table: TableContract, *rows: dict[str, str]) -> Judged:
    raw = pl.DataFrame(list(rows)).with_columns(pl.lit(2, pl.Int64).alias(LINE))
    return judge(raw, table, Mapping(), Limits(), flawed=False)


def _csv(table: TableContract, row: dict[str, str]) -> str:
    text = io.StringIO()
    csv.DictWriter(text, list(row), lineterminator="\n").writerow(row)
    return csv_template(table) + text.getvalue()


@TABLES
def test_template_is_an_empty_file_of_the_table(home: Home, table: TableContract) -> None:
    balance = home.load(table.name, csv_template(table), f"{table.name}.csv")
    assert figures(balance) == (0, 0, 0, 0, 0)
    assert balance.unknown_columns == ()
    assert balance.warnings == (f"{table.name}.csv: has a header and no rows",)


@TABLES
def test_a_row_that_fits_is_kept_whole(home: Home, table: TableContract) -> None:
    row = good_row(table)
    content = _csv(table, row)
    balance = home.load(table.name, content, f"{table.name}-row.csv")
    assert figures(balance) == (1, 1, 0, 0, 0), home.messages()[-1:]
    assert balance.unknown_columns == ()
    kept = home.rows(table.name).row(0, named=True)
    assert [c.name for c in table.columns if kept[c.name] is None] == []
    for name in table.persons:
        assert len(kept[name]) == 32
        assert kept[name] != row.get(name)
    again = home.load(table.name, content + "\n", f"{table.name}-again.csv")
    assert figures(again) == (1, 0, 0, 1, 0)


@TABLES
def test_a_row_of_required_columns_alone_fits(table: TableContract) -> None:
    row = {name: value for name, value in good_row(table).items() if name in table.required}
    extra = {"bids": {"amount": "1"}, "market_positions": {"share": "0.5"}}
    extra["listing_prices"] = {"in_stock": "false"}
    judged = _judge(table, row | extra.get(table.name, {}))
    assert judged.faults["says"].to_list() == []
    assert judged.good.height == 1


@TABLES
def test_every_required_column_is_required(table: TableContract) -> None:
    for name in table.required:
        judged = _judge(table, good_row(table) | {name: ""})
        assert judged.faults["column"].to_list() == [name]


@TABLES
def test_limits_and_words_hold(table: TableContract) -> None:
    for column in table.columns:
        wrong = ["no such word"] if column.allowed else []
        wrong += ["-1"] if column.span else []
        wrong += ["100.5"] if " to " in column.span else []
        for value in wrong:
            judged = _judge(table, good_row(table) | {column.name: value})
            assert f"`{column.name}` is " in judged.faults["says"].item()


@CHECKS
def test_each_check_refuses_what_breaks_it(table: TableContract, rule: str) -> None:
    judged = _judge(table, bad_row(table, table.checks[rule]))
    assert judged.good.height == 0
    assert judged.faults["rule"].to_list() == [rule]
    assert table.checks[rule].says in judged.faults["says"].item()


@TABLES
def test_mapping_template_is_valid_with_and_without_its_marks(
    table: TableContract, tmp_path: Path
) -> None:
    text = mapping_template(table)
    path = tmp_path / "mapping.yaml"
    path.write_text(text)
    assert load_mapping(path, table).mapping == Mapping()
    path.write_text("".join(line.removeprefix("# ") for line in text.splitlines(keepends=True)))
    filled = load_mapping(path, table).mapping
    fileable = [c.name for c in table.columns if c.derived_from is None]
    assert list(filled.rename.values()) == fileable
    assert set(filled.values) == {c.name for c in table.columns if c.allowed}


def test_references_join_columns_of_one_type() -> None:
    assert set(REFERENCES) <= set(CONTRACTS)
    for name, references in REFERENCES.items():
        for reference in references:
            mine = [CONTRACTS[name].column(c) for c in reference.columns]
            assert reference.says
            for target, columns in reference.targets:
                theirs = [CONTRACTS[target].column(c) for c in columns]
                assert [c.dtype for c in mine] == [c.dtype for c in theirs]
                assert [c.person for c in mine] == [c.person for c in theirs]


def test_objects_are_kept_in_one_spelling() -> None:
    table = CONTRACTS["released_datasets"]
    first = {"dataset_id": "d", "record_no": "1", "quasi": '{"sex":"M",  "age": null}'}
    second = first | {"record_no": "2", "quasi": '{"age": null, "sex": "M"}'}
    wrong = first | {"record_no": "3", "quasi": '["M"]'}
    judged = _judge(table, first, second, wrong)
    assert judged.faults["column"].to_list() == ["quasi"]
    assert _judge(table, first, second).good["quasi"].to_list() == ['{"age": null, "sex": "M"}'] * 2
