"""Is the process up, and can it serve?"""

from __future__ import annotations

import sqlalchemy as sa
from fastapi import APIRouter, Response

from api.deps import SystemDep
from api.schemas.runs import Health, Readiness
from detector.database import reading
from features.errors import WardenError

router = APIRouter(tags=["health"])


@router.get("/healthz")
def healthz() -> Health:
    """The process answers; says nothing of what it depends on."""
    return Health(status="ok")


@router.get("/readyz", responses={503: {"model": Readiness}})
def readyz(system: SystemDep, response: Response) -> Readiness:
    """Whether requests can be served: 503 with the failed check when not."""
    checks = {"database": _database(system), "lake": _lake(system)}
    ready = all(result == "ok" for result in checks.values())
    response.status_code = 200 if ready else 503
    return Readiness(status="ready" if ready else "not_ready", checks=checks)


def _database(system: SystemDep) -> str:
    try:
        with reading(system.engine) as connection:
            connection.execute(sa.text("SELECT count(*) FROM alert WHERE 1 = 0"))
    except WardenError as error:
        return error.code
    return "ok"


def _lake(system: SystemDep) -> str:
    return "ok" if (system.home / "lake").is_dir() else "missing"
