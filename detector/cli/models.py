"""`models`: the outlier models, their versions, and how well they rank known cases."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from detector.cli.output import opened, say, say_table

app = typer.Typer(help="Outlier models.", no_args_is_help=True)


@app.command("list")
def list_models() -> None:
    """Fitted models in force: what they look at and what they were fitted on."""
    from detector.judging import model_rows

    columns = ("model", "version", "grain", "typologies", "features", "n", "fitted_on", "active")
    say_table(model_rows(opened()), columns, "No model yet; the first `warden detect` fits them.")


@app.command("fit")
def fit() -> None:
    """Fit a new version of every model on what is known now."""
    from detector.run import refit

    summary = refit(opened())
    say(
        summary.counts, f"Fitted {summary.counts['models']} models; `warden detect` uses them next."
    )


@app.command("evaluate")
def evaluate(
    labels: Annotated[Path, typer.Option(help="CSV: subject_kind, subject_key, typology, label.")],
    k: Annotated[int, typer.Option(help="Length of the list judged by precision@k.")] = 50,
) -> None:
    """Compare the published ranking with known cases, beside the simplest baselines."""
    from detector.appraisal import evaluate_published

    rows = evaluate_published(opened(), labels, k)
    columns = (
        "typology",
        "subject_kind",
        "ranking",
        "n",
        "positives",
        "base_rate",
        "roc_auc",
        "average_precision",
        "precision_at_k",
        "k",
    )
    say_table(rows, columns, "No labelled subject was judged.")
