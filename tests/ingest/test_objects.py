"""Named values come out in one spelling, whichever format they were filed in."""

from __future__ import annotations

import polars as pl

from tests.ingest.homes import Home, figures

WANTED = ['{"age": null, "sex": "M"}', '{"age": "30-39", "sex": "F"}']


def test_objects_of_every_format_are_equal(home: Home) -> None:
    rows = (
        '{"dataset_id": "a", "record_no": 1, "quasi": {"sex": "M", "age": null}}\n'
        '{"dataset_id": "a", "record_no": 2, "quasi": {"sex": "F", "age": "30-39"}}\n'
    )
    assert figures(home.load("released_datasets", rows, "in.jsonl")) == (2, 2, 0, 0, 0)
    text = (
        "dataset_id,record_no,quasi\n"
        'b,1,"{""sex"":""M"",""age"":null}"\n'
        'b,2,"{""age"":""30-39"", ""sex"":""F""}"\n'
    )
    assert figures(home.load("released_datasets", text, "in.csv")) == (2, 2, 0, 0, 0)
    path = home.path.parent / "in.parquet"
    quasi = [{"sex": "M", "age": None}, {"sex": "F", "age": "30-39"}]
    pl.DataFrame({"dataset_id": ["c"] * 2, "record_no": [1, 2], "quasi": quasi}).write_parquet(path)
    assert figures(home.load_files("released_datasets", [path])) == (2, 2, 0, 0, 0)
    kept = home.rows("released_datasets").sort("dataset_id", "record_no")
    assert kept["quasi"].to_list() == WANTED * 3


def test_a_list_is_no_object_and_an_object_no_list(home: Home) -> None:
    wrong = 'dataset_id,record_no,quasi\nd,1,"[""M""]"\n'
    assert figures(home.load("released_datasets", wrong)) == (1, 0, 0, 0, 1)
    assert "is '[\"M\"]', which is not a JSON object" in home.messages()[-1]
    wrong = 'framework,vendor_id,purposes\ntcf,7,"{""a"": 1}"\n'
    assert figures(home.load("vendor_declarations", wrong)) == (1, 0, 0, 0, 1)
    assert "which is not a JSON list" in home.messages()[-1]
