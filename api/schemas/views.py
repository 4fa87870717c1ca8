"""Shapes of the views of the queue that people keep."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from alerts.views import LONGEST_NAME, LONGEST_QUERY


class NewView(BaseModel):
    """A view to keep."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=LONGEST_NAME, examples=["bids of the north"])
    query: str = Field(
        max_length=LONGEST_QUERY,
        description="the filters as they stand in the address of the queue",
        examples=["lane=legal&due=week"],
    )


class View(BaseModel):
    """A view somebody keeps."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    query: str


class Views(BaseModel):
    """The views a person keeps."""

    model_config = ConfigDict(from_attributes=True)

    items: list[View]
