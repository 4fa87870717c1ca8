"""`features`: what is measured about filings, and on which limits of law a number stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detector.cli.output import STATE, say, say_table

if TYPE_CHECKING:
    from features.catalogue import Feature

app = typer.Typer(help="Features: the numbers rules and models judge.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Feature, such as `bid_cv`.")]
Only = Annotated[
    str | None, typer.Option("--typology", help="Only those of one typology, as MON-BID-CV.")
]

PARAMETERS = "features.parameters"


@app.command("list")
def list_features(typology: Only = None) -> None:
    """Every feature with its typology, grain, unit and suspicious tail."""
    from features.catalogue import catalogue
    from features.errors import WardenError
    from features.vocabulary import TYPOLOGIES

    if typology is not None and typology not in TYPOLOGIES:
        raise WardenError(
            "unknown_typology",
            f"There is no typology {typology}.",
            "docs/reference/typologies.md names them all.",
        )
    rows = [
        {
            "feature": f.name,
            "typology": f.typology,
            "grain": f.grain,
            "unit": f.unit,
            "suspicious": f.direction,
            "least_n": f.min_n,
            "title": f.title["en"],
        }
        for f in catalogue().features.values()
        if typology in (None, f.typology)
    ]
    columns = ("feature", "typology", "grain", "unit", "suspicious", "least_n")
    say_table(rows, columns, "No feature.")


@app.command("show")
def show(name: Name) -> None:
    """Formula, meaning, examples, inputs and source of a feature, and the limits it reads."""
    data = description(known(name))
    if STATE.json:
        say(data, "")
        return
    typer.echo(f"{name}: {data['title']['en']} · {data['title']['zh']}\n")
    if data["formula"]:
        typer.echo(f"    {data['formula']}\n")
    typer.echo(f"{data['meaning']}\n")
    for field in ("typology", "grain", "unit", "suspicious", "least_n", "kind", "source"):
        typer.echo(f"{field.replace('_', ' ')}: {data[field]}")
    typer.echo(f"inputs: {', '.join(data['inputs'])}")
    typer.echo(f"null when: {', '.join(data['null_when'])}")
    for example in data["examples"]:
        typer.echo(f"example: {example['given'].rstrip('.')} -> {example['value']}")
    for holds, text in (
        (data["peer_adjusted"], "Means something only beside peers."),
        (data["uses_as_of"], "Depends on the day of the judgement."),
        (data["retrospective"], "Tells what later filings did to a period."),
    ):
        if holds:
            typer.echo(text)
    if data["parameters"]:
        typer.echo("\nLimits and lists read by the modules that compute it:")
        say_table(data["parameters"], ("table", "rows", "verified", "sources"), "")


def known(name: str) -> Feature:
    """The feature of that name.

    Raises:
        WardenError: `unknown_feature`, with the names that come close.
    """
    from difflib import get_close_matches

    from features.catalogue import catalogue
    from features.errors import WardenError

    features = catalogue().features
    if name not in features:
        near = get_close_matches(name, features, n=3)
        hint = f"Did you mean {', '.join(near)}?" if near else "See `warden features list`."
        raise WardenError("unknown_feature", f"There is no feature {name}.", hint, "not_found")
    return features[name]


def description(feature: Feature) -> dict[str, Any]:
    """A feature as plain data."""
    from features.catalogue import catalogue
    from features.explained import examples, formulas, shown

    base = catalogue().bases[feature.base]
    reasons = dict.fromkeys(reason.value for _, reason in feature.fn().checks)
    worked = examples().get(feature.name, ())
    return {
        "feature": feature.name,
        "title": feature.title,
        "formula": formulas().get(feature.name),
        "meaning": " ".join(feature.doc.split()),
        "typology": feature.typology,
        "grain": feature.grain,
        "kind": feature.kind,
        "unit": feature.unit,
        "suspicious": feature.direction,
        "least_n": feature.min_n,
        "inputs": list(feature.inputs),
        "tables": list(base.tables),
        "peers": list(base.peers),
        "peer_adjusted": feature.peer_adjusted,
        "uses_as_of": feature.uses_as_of,
        "retrospective": feature.retrospective,
        "null_when": list(reasons) or ["missing_input"],
        "examples": [{"given": one.given, "value": shown(one.value)} for one in worked],
        "source": feature.source,
        "base": feature.base,
        "parameters": parameters_of({feature.fn.__module__, base.fn.__module__}),
    }


def parameters_of(modules: set[str]) -> list[dict[str, Any]]:
    """Lists of `features/parameters` these modules import, each with its sources.

    `rows` counts those that name a source, `verified` those seen in a published text.
    """
    from importlib import import_module

    found = []
    for name in sorted({p for module in modules for p in _imported(module)}):
        rows = list(_sourced(vars(import_module(f"{PARAMETERS}.{name}"))))
        found.append(
            {
                "table": name,
                "rows": len(rows),
                "verified": sum(row.verified for row in rows),
                "sources": "; ".join(sorted({row.source for row in rows})),
            }
        )
    return found


def _imported(module: str) -> Iterator[str]:
    """Names of the parameter modules a library module imports, as its source says."""
    import ast
    import inspect
    from importlib import import_module

    for node in ast.walk(ast.parse(inspect.getsource(import_module(module)))):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module == PARAMETERS:
                yield from (alias.name for alias in node.names)
            elif node.module.startswith(f"{PARAMETERS}."):
                yield node.module.removeprefix(f"{PARAMETERS}.")


def _sourced(values: dict[str, Any]) -> Iterator[Any]:
    """Rows that name a source, in the public tuples of a module."""
    for name, value in values.items():
        if not name.startswith("_") and isinstance(value, tuple):
            yield from (row for row in value if hasattr(row, "source"))
