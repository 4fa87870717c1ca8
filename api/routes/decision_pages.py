"""Decisions of a case from its page: recorded, and corrected."""

from __future__ import annotations

import math
from collections.abc import Callable

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from alerts.case_remedies import Intervention, InterventionKind
from api.deps import Form, SystemDep, Who, expected_version
from api.routes.one_case_page import a_day, hand_of, refused
from detector.remedies.targets import Goal, correct_decision, decide
from features.errors import WardenError

router = APIRouter(prefix="/cases", include_in_schema=False, default_response_class=Response)


@router.post("/{number}/interventions")
def intervene(request: Request, system: SystemDep, who: Who, number: str, form: Form) -> Response:
    """Records what was decided, and which figures it is to move."""

    def act(version: int) -> object:
        hand = hand_of(system, who, version)
        return decide(system, number, decision_from(form), goals_from(form), hand)

    return _act(request, system, number, form | {"act": "decide"}, "decision", act)


@router.post("/{number}/interventions/{intervention}")
def correct(
    request: Request, system: SystemDep, who: Who, number: str, intervention: int, form: Form
) -> Response:
    """Corrects what was recorded; the old version stays on record."""

    def act(version: int) -> object:
        hand, why = hand_of(system, who, version), form.get("why", "")
        wanted, goals = decision_from(form), goals_from(form)
        place = min(intervention, 2**31 - 1)
        return correct_decision(system, number, place, wanted, goals, why, hand)

    typed = form | {"act": f"correct-{intervention}"}
    return _act(request, system, number, typed, "corrected", act)


def _act(
    request: Request,
    system: SystemDep,
    number: str,
    form: dict[str, str],
    done: str,
    act: Callable[[int], object],
) -> Response:
    try:
        act(expected_version(form.get("version"), "case"))
    except WardenError as error:
        return refused(request, system, number, form, error)
    return RedirectResponse(f"/cases/{number}?done={done}#decisions", 303)


def decision_from(form: dict[str, str]) -> Intervention:
    """The decision a form describes.

    Raises:
        WardenError: `unknown_word`, `bad_date`, `bad_amount`.
    """
    kind, on = form.get("kind", ""), a_day(form.get("decided_on"))
    if kind not in list(InterventionKind):
        raise WardenError("unknown_word", f"There is no kind of decision {kind[:40]!r}.")
    if on is None:
        raise WardenError("bad_date", "The day of the decision is missing.")
    return Intervention(
        InterventionKind(kind),
        on,
        form.get("text", ""),
        form.get("legal_basis", ""),
        _amount(form.get("amount", "")),
        form.get("currency", "").upper() or None,
    )


def goals_from(form: dict[str, str]) -> list[Goal]:
    """The figures to move, one a line: FEATURE:up|down:DAY, and :SUBJECT where not the parties'.

    Raises:
        WardenError: `bad_target`, `bad_date`.
    """
    return [_goal(line.strip()) for line in form.get("targets", "").splitlines() if line.strip()]


def _goal(line: str) -> Goal:
    feature, _, rest = line.partition(":")
    direction, _, rest = rest.partition(":")
    day, _, subject = rest.partition(":")
    by = a_day(day.strip())
    if direction not in ("up", "down") or by is None:
        raise WardenError(
            "bad_target",
            f"{line[:80]!r} does not say what is to move.",
            "For example bid_cv:up:2027-06-30.",
        )
    return Goal(feature.strip(), "up" if direction == "up" else "down", by, subject.strip() or None)


def _amount(text: str) -> float | None:
    plain = text.replace(",", "").replace(" ", "")
    if not plain:
        return None
    try:
        value = float(plain)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise WardenError("bad_amount", f"{text[:40]!r} is no amount.", "For example 50000.")
    return value
