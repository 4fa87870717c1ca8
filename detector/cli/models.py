"""`models`: the outlier models, their versions, and how well they rank known cases."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from detector.cli import model_versions
from detector.cli.output import opened, say, say_table

app = typer.Typer(help="Outlier models.", no_args_is_help=True)
app.command("compare")(model_versions.compare)
app.command("promote")(model_versions.promote)
app.command("history")(model_versions.history)
app.command("drift")(model_versions.drift)


@app.command("list")
def list_models(
    everything: Annotated[bool, typer.Option("--all", help="Retired sets of models, too.")] = False,
) -> None:
    """Fitted models, in force and in shadow: what they look at and what they were fitted on."""
    from detector.judging import model_rows

    columns = ("model", "version", "state", "grain", "typologies", "features", "n", "fitted_on",
               "active", "set")  # fmt: skip
    rows = model_rows(opened(), everything=everything)
    say_table(rows, columns, "No model yet; the first `warden detect` fits them.")


@app.command("detectors")
def list_detectors() -> None:
    """Ways of scoring a model may name, those of installed packages among them."""
    from detector.models.base import detectors

    cards = [make().card for make in detectors().values()]
    rows = [
        {
            "detector": card.name,
            "score": card.title,
            "assumes": card.assumptions,
            "least_rows": card.min_rows,
            "direction": card.direction,
            "labels": card.supervised,
            "baseline": card.baseline,
            "source": card.source,
        }
        for card in cards
    ]
    columns = ("detector", "score", "assumes", "least_rows", "direction", "labels", "baseline")
    say_table(rows, columns, "")


@app.command("fit")
def fit(
    actor: Annotated[
        str, typer.Option(envvar="WARDEN_ACTOR", help="Who asks for it; another one promotes it.")
    ] = "",
) -> None:
    """Fit a new version of every model on what is known now; it shadows until it is promoted."""
    from detector.promotion import named
    from detector.run import refit

    counts = refit(opened(), actor=named(actor) if actor.strip() else "system").counts
    following = {
        "in force": "`warden detect` uses them next.",
        "shadow": "They shadow as set {set}: see `warden models compare`, then, to put them into "
        "force, `warden models promote --note WHY`.",
    }
    told = following[counts["state"]].format(set=counts["set"])
    say(counts, f"Fitted {counts['models']} models. {told}")


@app.command("evaluate")
def evaluate(
    labels: Annotated[Path, typer.Option(help="CSV: subject_kind, subject_key, typology, label.")],
    k: Annotated[int, typer.Option(help="Length of the list judged by precision@k.")] = 50,
    detectors: Annotated[
        bool, typer.Option("--detectors", help="Also fit every detector on the same subjects.")
    ] = False,
) -> None:
    """Compare the published ranking with known cases, beside the simplest baselines."""
    from detector.appraisal import evaluate_published

    rows = evaluate_published(opened(), labels, k, every_detector=detectors)
    columns = ("typology", "subject_kind", "ranking", "n", "positives", "base_rate", "roc_auc",
               "interval", "average_precision", "precision_at_k", "precision_top_tenth",
               "verdict")  # fmt: skip
    say_table(rows, columns, "No labelled subject was judged.")
