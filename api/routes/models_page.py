"""The page of the outlier models: the sets there are, and how what is judged drifts from them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.deps import SystemDep
from api.web.render import render
from detector.drift_reports import last_report
from detector.shadow_models import acts_of, sets_of

router = APIRouter(include_in_schema=False, default_response_class=Response)

SHOWN = 15
STATES = ("act", "watch", "ok", "few")


@router.get("/models")
def models(request: Request, system: SystemDep) -> Response:
    """Sets of models, what was done with them, and the last report of drift."""
    report = last_report(system)
    return render(
        request,
        "models.html",
        place="jobs",
        sets=sets_of(system),
        acts=list(reversed(acts_of(system)))[:SHOWN],
        report=report,
        lines=_lines(report) if report else [],
        states=STATES,
        shown=SHOWN,
    )


def _lines(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Features and scores of a report in one list, the worst first."""
    rows = [
        {
            "kind": kind,
            "name": one[kind],
            "typology": one.get("typology") or "",
            "psi": one.get("psi"),
            "ks": one.get("ks"),
            "missing": one.get("missing_change"),
            "n": one.get("n"),
            "n_reference": one.get("n_reference"),
            "state": one["state"],
        }
        for kind, part in (("feature", "features"), ("model", "scores"))
        for one in report[part]
    ]
    return sorted(rows, key=lambda row: (STATES.index(row["state"]), -(row["psi"] or 0)))
