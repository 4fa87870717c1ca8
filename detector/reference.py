"""Reference pages written from the code, so that they cannot drift from it."""

from __future__ import annotations

from pathlib import Path

from detector.markdown import table

HEAD = "<!-- Written by `make docs` from the code; change the code, not this page. -->\n\n"


def write_reference(out: Path) -> list[Path]:
    """Writes every page below `out`, takes away those nothing writes, and returns their paths."""
    written = []
    for name, text in pages().items():
        path = out / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD + text.strip() + "\n", encoding="utf-8")
        written.append(path)
    for path in sorted(set(out.rglob("*.md")) - set(written)):
        if path.read_text(encoding="utf-8").startswith(HEAD):
            path.unlink()
    return written


def pages() -> dict[str, str]:
    """Text of each page by file name below the reference."""
    from detector.reference_conditions import conditions_page
    from detector.reference_features import feature_pages
    from detector.reference_format import format_page
    from detector.reference_rules import rule_pages

    return {
        "tables": tables_page(),
        "typologies": typologies_page(),
        **feature_pages(),
        **rule_pages(),
        "rule-file": format_page(),
        "conditions": conditions_page(),
        "models": models_page(),
        "commands": commands_page(),
        "settings": settings_page(),
    }


def tables_page() -> str:
    """Canonical tables with their columns, checks and references."""
    from detector.templates import column_notes
    from features.contracts import CONTRACTS
    from features.contracts.references import REFERENCES

    parts = ["# Canonical tables", "Unknown columns are kept out and reported, never an error."]
    for contract in CONTRACTS.values():
        parts.append(
            f"## {contract.name}\n\n{contract.title}\n\nNatural key: {', '.join(contract.keys)}."
        )
        rows = [
            (f"`{c.name}`", c.kind, c.unit, c.description, "; ".join(column_notes(c)))
            for c in contract.columns
        ]
        parts.append(table(("column", "kind", "unit", "meaning", "note"), rows))
        said = [f"- refused: {check.says}" for check in contract.checks.values()]
        said += [f"- reported: {caution.says}" for caution in contract.cautions]
        said += [f"- looked up: {r.says}" for r in REFERENCES.get(contract.name, ())]
        parts += ["\n".join(said)] if said else []
    return "\n\n".join(parts)


def typologies_page() -> str:
    """Suspicions, the subjects they are about, and the rules that judge them."""
    from features.vocabulary import TYPOLOGIES
    from rules.ruleset import load_library

    ruleset = load_library()
    rows = [
        (
            f"`{t.id}`",
            t.title["en"],
            t.title["zh"],
            f"`{t.grain}`",
            "none, context only" if t.context_only else ", ".join(f"`{g}`" for g in t.alerts_on),
            ", ".join(f"`{r.id}`" for r in ruleset.of_typology(t.id)),
        )
        for t in TYPOLOGIES.values()
    ]
    head = ("id", "suspicion", "中文", "grain", "alerts on", "rules")
    return "# Typologies\n\n" + table(head, rows)


def models_page() -> str:
    """Registered outlier models, and the detectors they may score with."""
    from detector.models.base import SHIPPED, make_detector, specs

    rows = [
        (
            f"`{s.id}`",
            s.typology,
            f"`{s.grain}`",
            ", ".join(f"`{f}`" for f in s.features),
            s.scorer,
            "active" if s.active else "challenger",
            s.source,
        )
        for s in specs()
    ]
    head = ("model", "typology", "grain", "features", "detector", "state", "source")
    cards = [make_detector(name).card for name in sorted(SHIPPED)]
    detectors = [
        (
            f"`{c.name}`",
            c.title,
            c.assumptions,
            str(c.min_rows),
            "each feature" if c.direction == "monotone" else "on the whole",
            c.invariance,
            ", ".join(k for k, on in (("labels", c.supervised), ("baseline", c.baseline)) if on),
            c.source,
        )
        for c in cards
    ]
    told = (
        "detector",
        "score",
        "assumes",
        "least rows",
        "worse is higher",
        "ranking unmoved by",
        "kind",
        "source",
    )
    return (
        "# Models\n\n"
        + table(head, rows)
        + "\n\n## Detectors\n\nWays of scoring signed evidence; a model names one. What all of"
        " them promise is in [Add a model](../howto/add-a-model.md#what-holds).\n\n"
        + table(told, detectors)
    )


def commands_page() -> str:
    """The command line."""
    from typer.main import get_command

    from detector.cli.main import app

    rows: list[tuple[str, str]] = []

    def walk(command: object, path: str) -> None:
        children = getattr(command, "commands", None)
        if children:
            for name, child in children.items():
                walk(child, f"{path} {name}")
            return
        words = []
        for parameter in getattr(command, "params", ()):
            if parameter.name == "help":
                continue
            if parameter.param_type_name == "argument":
                words.append(parameter.name.upper())
            else:
                words.append(f"[{max(parameter.opts, key=len)}]")
        rows.append((f"`{' '.join([path, *words])}`", getattr(command, "help", "") or ""))

    walk(get_command(app), "warden")
    return "# Commands\n\n" + table(("command", "what it does"), rows)


def settings_page() -> str:
    """Settings: defaults, names in the environment, and the file a home starts with."""
    from detector.settings import CONFIG_TEMPLATE, Jobs, Settings

    jobs = Jobs.model_validate({}).schedules()
    defaults = {n: f.default for n, f in Settings.model_fields.items() if n != "jobs"}
    defaults |= {f"jobs.{name}": text for name, text in jobs.items()}
    rows = [
        (
            f"`{name}`",
            variable_of(name),
            f"`{value!r}`",
        )
        for name, value in defaults.items()
    ]
    return (
        "# Settings\n\nThe environment stands above `config.toml` in the home, which stands above"
        " the defaults. `warden config show` says where each value comes from.\n\n"
        + table(("setting", "in the environment", "default"), rows)
        + "\n\n`WARDEN_HOME` names the home instead of `--home`; `WARDEN_HOSTS` lists further host"
        " names the server answers to, separated by commas, `*` for any; `WARDEN_DEBUG` shows the"
        " traceback of a fault in the software.\n\nA home starts with this file:\n\n"
        f"```toml\n{CONFIG_TEMPLATE.strip()}\n```"
    )


def variable_of(setting: str) -> str:
    """A setting's name in the environment; hyphens become underscores, as shells want them."""
    return f"`WARDEN_{setting.upper().replace('.', '__').replace('-', '_')}`"
