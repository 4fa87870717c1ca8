"""Shapes of saved searches and what they found."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.alerts import Text


class NewSearch(BaseModel):
    """A search to keep."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=120, examples=["cement firms in the north"])
    about: Literal["firms", "alerts"]
    query: dict[str, Any] = Field(
        description="of firms: text, country, sector, group, role; of alerts: states, lanes, "
        "typologies, severities, subject_kind, subject, text",
        examples=[{"text": "水泥", "country": "CN"}],
    )


class SearchChange(BaseModel):
    """What is changed; a field left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, min_length=1, max_length=120)
    enabled: bool | None = None


class Search(BaseModel):
    """A search somebody keeps."""

    id: str
    name: str
    owner: str
    about: Literal["firms", "alerts"]
    query: dict[str, Any]
    enabled: bool
    created_at: datetime
    run_at: datetime | None = Field(description="when it was last looked for")
    version: int = Field(description="also the ETag; a change names it in If-Match")
    new_hits: int


class Searches(BaseModel):
    """The searches a person keeps, by name."""

    items: list[Search]


class Hit(BaseModel):
    """Something a saved search has found since it was saved."""

    search_id: str
    search: str = Field(description="its name")
    about: Literal["firms", "alerts"]
    key: str = Field(description="the firm or the alert")
    title: Text
    found_at: datetime
    seen_at: datetime | None


class Hits(BaseModel):
    """Hits, the last found first; at most 200."""

    items: list[Hit]


class Seen(BaseModel):
    """How many hits were new until now."""

    seen: int
