"""`models compare|promote|history|drift`: a new fit beside the one in force, and how that ages."""

from __future__ import annotations

from typing import Annotated, Any

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


def drift(
    periods: Annotated[
        int | None, typer.Option(min=1, help="Newest periods; by default as many as hold 500 rows.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="What is in order, too.")] = False,
) -> None:
    """What is judged now against what peers and models were frozen on, and heaps below limits."""
    from detector.drift import drift_report
    from detector.drift_reports import keep_report

    system = opened()
    report = drift_report(system, periods)
    keep_report(system, report)
    if STATE.json:
        say(report, "")
        return
    counts = report["counts"]
    typer.echo(
        f"Models {report['models']}, fitted on {report['fitted_on'][:10]}. To act on: "
        f"{counts['act']}, to watch: {counts['watch']}, in order: {counts['ok']}, "
        f"too few rows to tell: {counts['few']}."
    )
    shown: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("features", ("state", "feature", "grain", "since", "n", "psi", "noise", "missing_change")),
        ("scores", ("state", "model", "n", "psi", "ks", "noise")),
        ("bunching", ("state", "rule", "feature", "op", "limit", "inside", "n", "expected", "q")),
    )
    for part, columns in shown:
        rows: list[dict[str, Any]] = report[part]
        listed = [one for one in rows if everything or one["state"] in ("act", "watch")]
        if listed:
            typer.echo(f"\n{part}")
            say_table(listed, columns, "")
    typer.echo(calibration_line(report["calibration"]))


def calibration_line(told: dict[str, Any]) -> str:
    """What the reviews say of the likelihoods."""
    if told["slope"] is None:
        return f"\nCalibration not measured: {told['reason']} ({told['n']} now)."
    return (
        f"\nCalibration slope {told['slope']:.2f} over {told['n']} answers ({told['state']}); "
        "1 is right, below it the likelihoods are too sure of themselves."
    )
