"""The sets of outlier models, and how what is judged drifts away from them."""

from __future__ import annotations

from fastapi import APIRouter

from api.deps import SystemDep, problems
from api.schemas.models import DriftReport, ModelAct, ModelHistory, ModelSet, ModelSets
from detector.drift_reports import last_report
from detector.shadow_models import acts_of, sets_of
from features.errors import WardenError

router = APIRouter(prefix="/api/v1/models", tags=["models"])


@router.get("", responses=problems(503))
def list_sets(system: SystemDep) -> ModelSets:
    """Every set of models: the one in force, the one in shadow, the retired, newest first."""
    return ModelSets(items=[ModelSet.model_validate(row) for row in sets_of(system)])


@router.get("/history", responses=problems(503))
def list_acts(system: SystemDep) -> ModelHistory:
    """What was done with sets of models, by whom, when and why, oldest first."""
    return ModelHistory(items=[ModelAct.model_validate(act) for act in acts_of(system)])


@router.get("/drift", responses=problems(404, 503))
def read_drift(system: SystemDep) -> DriftReport:
    """The last report of the job `drift`, or of `warden models drift`."""
    report = last_report(system)
    if report is None:
        raise WardenError(
            "no_drift_report",
            "Drift has not been measured yet.",
            "Run `warden models drift`, or wait for the job `drift`.",
            "not_found",
        )
    return DriftReport.model_validate(report)
