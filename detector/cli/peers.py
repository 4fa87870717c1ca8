"""`peers`: the subjects most like one, with their values."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from detector.cli.output import STATE, a_date, opened, say, say_table

WIDTH = 6
"""Features a table on a screen has room for; `--json` prints all."""


def peers(
    subject: Annotated[str, typer.Argument(help="Subject key, as `warden export scores` has it.")],
    typology: Annotated[str, typer.Option("--typology", help="Whose features are compared.")],
    period: Annotated[
        str | None, typer.Option("--period", help="A day of the period; the latest without it.")
    ] = None,
) -> None:
    """The ten subjects most like one, its economic group left out, with their values."""
    day = a_date(period, "--period")
    from detector.comparison import nearest_peers

    data = nearest_peers(opened(), subject, typology, day).as_dict()
    if STATE.json:
        say(data, "")
        return
    typer.echo(heading(data))
    columns = [f["feature"] for f in data["features"] if f["compared"]][:WIDTH]
    own: dict[str, Any] = {f["feature"]: f["value"] for f in data["features"]}
    own |= {"subject_key": f"{data['subject_key']} (asked)", "period_start": data["period_start"]}
    middle: dict[str, Any] = {f["feature"]: f["peer_median"] for f in data["features"]}
    rows = [own, middle | {"subject_key": "median of the peers"}, *data["peers"]]
    say_table(rows, ("subject_key", "period_start", "distance", *columns), "No peer.")


def heading(data: dict[str, Any]) -> str:
    """What the peers are, in words."""
    text = (
        f"{data['typology']}, {data['grain']}: {data['candidates']:,} peers, "
        f"stratum {data['level']}, frozen as {data['reference']}."
    )
    return text if data["enough"] else f"{text} Too few for a percentile."
