"""`firms`: find a firm by a part of its name, and open its dossier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from detector.cli.output import STATE, opened, say, say_table, shown
from features.errors import WardenError

if TYPE_CHECKING:
    from detector.dossier.subject import Subject
    from detector.system import System

Row = dict[str, Any]
Word = Annotated[str | None, typer.Option(help="Exactly this.")]
PARTS = ("dossier", "timeline", "coverage", "network", "peers", "filings")

app = typer.Typer(help="Find a firm, and open its dossier.", no_args_is_help=True)


@app.command("search")
def search(
    text: Annotated[
        str, typer.Argument(help="Parts of a name in either language, or the begin of an id.")
    ],
    country: Word = None,
    sector: Word = None,
    group: Word = None,
    role: Word = None,
    limit: Annotated[int, typer.Option(help="The best ones.")] = 20,
) -> None:
    """Firms that fit, the best first; what was filed since the last search is indexed first."""
    from detector.firm_index import keep_index
    from detector.firm_search import FirmFilter, search_firms

    system = opened()
    keep_index(system)
    found = search_firms(system, FirmFilter(text, country, sector, group, role), limit)
    if STATE.json:
        say(found, "")
        return
    columns = ("firm_id", "name", "name_zh", "roles", "country", "sector", "group_id")
    rows = [row | {"roles": ", ".join(row["roles"])} for row in found["items"]]
    say_table(rows, columns, "No firm fits.")
    if found["more"]:
        typer.echo("More fit: narrow the search, or raise --limit.")


@app.command("index")
def index() -> None:
    """Make the index of firms anew; the scheduled job only adds what was filed."""
    from detector.firm_index import keep_index

    done = keep_index(opened(), anew=True)
    say(done.as_dict(), f"{done.firms:,} firms indexed.")


@app.command("show")
def show(
    firm_id: Annotated[str, typer.Argument(help="Id, see `warden firms search`.")],
    purpose: Annotated[str, typer.Option(help="Why, in a few words; kept in the trail.")] = "",
    case: Annotated[str, typer.Option(help="Number of the case or alert.")] = "",
    part: Annotated[str, typer.Option(help="One of " + ", ".join(PARTS) + ".")] = "dossier",
    actor: Annotated[
        str, typer.Option(envvar="WARDEN_ACTOR", help="Who reads; no name, no dossier.")
    ] = "",
) -> None:
    """Open a dossier, or a part of it, for a purpose and a case."""
    from detector.dossier.access import open_dossier, visit_of

    if part not in PARTS:
        raise WardenError("unknown_part", f"There is no part {part}.", f"One of {PARTS}.")
    system = opened()
    visit = visit_of(actor, purpose, case)
    told = _read(system, open_dossier(system, firm_id, visit, part), part)
    if STATE.json:
        say(told, "")
    else:
        _WRITERS[part](told)


def _read(system: System, subject: Subject, part: str) -> Row:
    from detector.dossier import whole

    reads = {
        "dossier": whole.dossier,
        "timeline": whole.timeline,
        "coverage": whole.coverage_map,
        "network": whole.network_of,
        "peers": whole.peers_of,
        "filings": whole.filings_of,
    }
    return reads[part](system, subject)


def _empty(told: Row) -> str:
    return f"Nothing: {told['reason']}."


def _write_dossier(told: Row) -> None:
    firm, alerts, checked = told["firm"], told["alerts"], told["coverage"]
    names = " ".join(n for n in (firm["name"], firm["name_zh"]) if n) or "not in the register"
    typer.echo(f"{firm['firm_id']}  {names}")
    if firm["group"]:
        others = ", ".join(m["firm_id"] for m in firm["group"]["others"])
        typer.echo(f"Group {firm['group']['group_id']}, {firm['group']['n']} firms: {others}")
    for market in told["markets"]["items"]:
        last = market["latest"]
        typer.echo(
            f"Market {market['market_id']}: share {shown(last['share'])} in {last['period']}, "
            f"{last['firms']} firms"
        )
    typer.echo("")
    _write_filings(told["filings"])
    typer.echo(f"\n{alerts['n']} alerts {alerts['by_state'] or ''}")
    columns = ("id", "severity", "state", "close_reason", "title")
    rows = [a | {"title": a["title"]["en"]} for a in alerts["items"][:10]]
    say_table(rows, columns, _empty(alerts))
    typer.echo(f"\nRules that can be about it: {checked['rules']}; judged: {checked['judged']}.")


def _write_filings(told: Row) -> None:
    columns = ("table", "rows", "amended", "first_happened", "last_happened", "last_learned")
    rows = [row | {"last_learned": f"{row['last_learned']:%Y-%m-%d}"} for row in told["items"]]
    say_table(rows, columns, _empty(told))


def _write_timeline(told: Row) -> None:
    rows = []
    for grain in told["grains"]:
        for one in grain["series"]:
            last = one["points"][-1]
            band = last["band"] or {}
            rows.append(
                {
                    "feature": one["feature"],
                    "subject": one["subject_key"],
                    "period": last["period_start"],
                    "value": last["value"],
                    "peers_median": band.get("median"),
                    "peers_quartiles": f"{band['q25']:.4g} to {band['q75']:.4g}" if band else None,
                    "n": last["peers"],
                }
            )
    columns = ("feature", "subject", "period", "value", "peers_median", "peers_quartiles", "n")
    say_table(rows, columns, _empty(told))


def _write_coverage(told: Row) -> None:
    marks = {"fired": "●", "clear": "✓", "not_evaluable": "?", "out_of_scope": "–", "error": "!"}
    for one in told["maps"]:
        typer.echo(f"By {one['period']}, {len(one['columns'])} periods")
        rows = [
            {
                "rule": rule["rule_id"],
                "cells": "".join(marks.get(cell["outcome"], "·") for cell in rule["cells"]),
                "why_not": rule["why_not"],
            }
            for rule in one["rules"]
        ]
        say_table(rows, ("rule", "cells", "why_not"), "No rule.")
    if told["reason"]:
        typer.echo(_empty(told))


def _write_network(told: Row) -> None:
    columns = ("a", "b", "kind", "weight", "unit", "since", "until")
    say_table(told["edges"][:40], columns, _empty(told))
    typer.echo(f"{told['shown']} firms shown of {sum(told['found'])} found within two steps.")


def _write_peers(told: Row) -> None:
    found = told["similar"] or {"peers": []}
    columns = ("firm_id", "name", "name_zh", "distance", "shared", "open_alerts")
    say_table(found["peers"], columns, _empty(told))


_WRITERS = {
    "dossier": _write_dossier,
    "timeline": _write_timeline,
    "coverage": _write_coverage,
    "network": _write_network,
    "peers": _write_peers,
    "filings": _write_filings,
}
