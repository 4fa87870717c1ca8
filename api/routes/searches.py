"""Saved searches: kept by a person for that person, with what they newly found."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.auth import Within
from api.deps import Actor, IfMatch, SystemDep, etag, expected_version, problems
from api.schemas import searches as shapes
from detector import saved_searches as kept
from detector.database import reading

router = APIRouter(prefix="/api/v1/searches", tags=["searches"])

READ = problems(401, 403, 404, 422, 503)
CHANGE = problems(401, 403, 404, 409, 412, 422, 428, 503)
New = Annotated[bool, Query(description="only hits not seen yet")]


def _search(response: Response, row: dict[str, Any]) -> shapes.Search:
    response.headers["ETag"] = etag(row["version"])
    return shapes.Search.model_validate(row)


@router.get("", responses=problems(401, 403, 503))
def list_searches(system: SystemDep, actor: Actor, within: Within) -> shapes.Searches:
    """The searches you keep, by name."""
    with reading(system.engine) as connection:
        mine = kept.searches_of(connection, actor, within)
    return shapes.Searches.model_validate({"items": mine})


@router.post("", status_code=201, responses=problems(401, 403, 409, 422, 503))
def save_search(
    response: Response, system: SystemDep, actor: Actor, wanted: shapes.NewSearch
) -> shapes.Search:
    """Keeps a search; what fits already is known and raises no hit."""
    row = kept.save_search(system, actor, wanted.name, wanted.about, wanted.query)
    return _search(response, row)


@router.get("/hits", responses=problems(401, 403, 503))
def list_hits(system: SystemDep, actor: Actor, within: Within, new: New = True) -> shapes.Hits:
    """What all your searches found, the last first."""
    with reading(system.engine) as connection:
        found = kept.hits_of(connection, actor, new=new, within=within)
        return shapes.Hits.model_validate({"items": found})


@router.get("/{search_id}", responses=READ)
def read_search(
    response: Response, system: SystemDep, actor: Actor, within: Within, search_id: str
) -> shapes.Search:
    """One search of yours."""
    with reading(system.engine) as connection:
        return _search(response, kept.get_search(connection, actor, search_id, within))


@router.patch("/{search_id}", responses=CHANGE)
def change_search(
    response: Response,
    system: SystemDep,
    actor: Actor,
    search_id: str,
    change: shapes.SearchChange,
    if_match: IfMatch = None,
) -> shapes.Search:
    """Renames a search, or stops or restarts it."""
    version = expected_version(if_match, "search")
    row = kept.change_search(
        system, actor, search_id, version, name=change.name, enabled=change.enabled
    )
    return _search(response, row)


@router.delete("/{search_id}", status_code=204, responses=CHANGE)
def drop_search(
    system: SystemDep, actor: Actor, search_id: str, if_match: IfMatch = None
) -> Response:
    """Forgets a search and what it found."""
    kept.drop_search(system, actor, search_id, expected_version(if_match, "search"))
    return Response(status_code=204)


@router.get("/{search_id}/hits", responses=READ)
def read_hits(
    system: SystemDep, actor: Actor, within: Within, search_id: str, new: New = True
) -> shapes.Hits:
    """What one of your searches found."""
    with reading(system.engine) as connection:
        found = kept.hits_of(connection, actor, search_id, new=new, within=within)
    return shapes.Hits.model_validate({"items": found})


@router.post("/{search_id}/seen", responses=READ)
def mark_seen(system: SystemDep, actor: Actor, search_id: str) -> shapes.Seen:
    """Marks everything a search found as seen."""
    return shapes.Seen(seen=kept.mark_seen(system, actor, search_id))
