"""Receiving over HTTP a case that another installation handed over."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, BinaryIO

from fastapi import APIRouter, Depends, Path, Query

from api.auth import Within
from api.deps import Actor, SystemDep, problems
from api.routes.filings import BINARY, spooled
from api.schemas.hand_overs import LookReport, PutAside, ReceivedReport
from detector.handover_reading import LARGEST
from detector.received import LONGEST_KEY, look, put_aside, receive_held

router = APIRouter(prefix="/api/v1/hand-overs", tags=["cases"])

Hash = Annotated[str, Path(min_length=64, max_length=64, description="SHA-256 of the file")]


@router.post(
    "",
    status_code=201,
    responses=problems(401, 403, 404, 413, 422, 500, 503),
    openapi_extra={"requestBody": {"content": BINARY, "required": True}},
)
def put_file_aside(
    system: SystemDep,
    actor: Actor,
    file: Annotated[BinaryIO, Depends(spooled)],
    key: Annotated[
        str,
        Query(max_length=LONGEST_KEY, description="the sender's public key in PEM, had otherwise"),
    ],
) -> PutAside:
    """Verifies a file, sent as the body, and keeps it; raises nothing yet."""
    return PutAside(sha256=put_aside(system, file.read(LARGEST + 1), key, actor))


@router.get("/{sha256}", responses=problems(401, 403, 404, 422, 500, 503))
def look_at_file(system: SystemDep, within: Within, sha256: Hash) -> LookReport:
    """Who sent what, and what taking it in would raise."""
    return LookReport.model_validate(asdict(look(system, sha256, within)))


@router.post("/{sha256}/take-in", responses=problems(401, 403, 404, 422, 500, 503))
def take_file_in(system: SystemDep, actor: Actor, sha256: Hash) -> ReceivedReport:
    """Raises the alerts of the file as leads; those received before are left as they are."""
    return ReceivedReport.model_validate(asdict(receive_held(system, sha256, actor)))
