"""`models compare|promote|history`: a new fit beside the one in force, and who decided."""

from __future__ import annotations

from typing import Annotated

import typer

from detector.cli.output import STATE, opened, say, say_table

Version = Annotated[
    str | None,
    typer.Argument(help="Beginning of a set's name, see `models list`; by default the shadow."),
]


def compare(version: Version = None) -> None:
    """Both sets of models on the same rows: ranks, who enters and leaves the top, drift."""
    from detector.model_comparison import compare as compared

    data = compared(opened(), version)
    if STATE.json:
        say(data, "")
        return
    typer.echo(
        f"In force: {data['in_force']}. Beside it: {data['beside']}. "
        f"The top is p of at most {data['line']:g}; the rows are those in force."
    )
    columns = ("model", "rows", "rank_correlation", "psi", "top_in_force", "top_beside",
               "entering", "leaving", "reason")  # fmt: skip
    say_table(data["models"], columns, "No model.")


def promote(
    version: Version = None,
    actor: Annotated[
        str, typer.Option(envvar="WARDEN_ACTOR", help="Who decides; no name, no decision.")
    ] = "",
    note: Annotated[str | None, typer.Option(help="Why, for whoever reads the history.")] = None,
) -> None:
    """Put a set of models into force, or back into force; the next run judges by it."""
    from detector.shadow_models import promote as put

    row = put(opened(), version, actor, note)
    say(row, f"In force: {row['set']}, {row['models']} models. `warden detect` judges by it next.")


def history() -> None:
    """What was done with sets of models, by whom, when and why, oldest first."""
    from detector.shadow_models import acts_of

    say_table(acts_of(opened()), ("at", "kind", "set", "actor", "note"), "No model yet.")
