"""What reviews say about the machine: precision, agreement of two persons, lessons."""

from __future__ import annotations

from fastapi import APIRouter

from api.deps import SystemDep, problems
from api.schemas.reviews import Agreement, Lessons, Precision
from detector import lessons, review_quality

router = APIRouter(prefix="/api/v1/reviews", tags=["reviews"])


@router.get("/precision", responses=problems(503))
def read_precision(system: SystemDep) -> Precision:
    """Share confirmed of the reviewed alerts that named each rule, model and typology."""
    return Precision.model_validate(review_quality.precision(system))


@router.get("/agreement", responses=problems(503))
def read_agreement(system: SystemDep) -> Agreement:
    """Agreement of two persons on the tenth of alerts both review, and Cohen's kappa."""
    return Agreement.model_validate(review_quality.agreement(system))


@router.get("/lessons", responses=problems(503))
def read_lessons(system: SystemDep) -> Lessons:
    """What reviews taught about the order of the queue, and the numbers that point otherwise."""
    return Lessons.model_validate({"items": lessons.told(system)})
