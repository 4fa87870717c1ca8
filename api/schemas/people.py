"""People and keys as the interface shows them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from detector.people.permissions import Permission, Role

Name = Annotated[str, Field(min_length=1, max_length=80)]
Word = Annotated[str, Field(min_length=1, max_length=80)]


class Me(BaseModel):
    """Who is signed in, and what they may do."""

    name: str
    roles: list[Role]
    permissions: list[Permission] = Field(description="With a key: what its scopes leave.")
    units: list[str] = Field(description="Empty: no limit by unit.")
    jurisdictions: list[str] = Field(description="Empty: no limit by jurisdiction.")
    by: str = Field(description="session or key")


class SessionReport(BaseModel):
    """A browser that is signed in."""

    opened_at: AwareDatetime
    seen_at: AwareDatetime
    expires_at: AwareDatetime


class Sessions(BaseModel):
    """Sessions that still hold, the last used first."""

    items: list[SessionReport]


class Ended(BaseModel):
    """How many sessions were ended."""

    sessions: int


class PasswordChange(BaseModel):
    """A new password, by whoever knows the old one."""

    model_config = ConfigDict(extra="forbid")

    old: Annotated[str, Field(max_length=1000)]
    new: Annotated[str, Field(max_length=1000)]


class PersonReport(BaseModel):
    """An account; the password is never shown, not even as a hash."""

    name: str
    roles: list[Role]
    units: list[str]
    jurisdictions: list[str]
    local: bool = Field(description="Whether a password of this installation is kept.")
    issuer: str | None = Field(description="The identity provider, for who signs in there.")
    enabled: bool
    version: int
    added_by: str
    added_at: AwareDatetime


class People(BaseModel):
    """Everyone with an account, by name."""

    items: list[PersonReport]


class NewPerson(BaseModel):
    """An account to be made."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"name": "li.wei", "roles": ["regulator"], "units": ["bidding"]}]
        },
    )

    name: Name
    roles: Annotated[list[Role], Field(max_length=10)] = []
    units: Annotated[list[Word], Field(max_length=50)] = []
    jurisdictions: Annotated[list[Word], Field(max_length=50)] = []
    password: Annotated[str, Field(min_length=12, max_length=200)] | None = Field(
        default=None, description="None for who signs in through an identity provider only."
    )


class PersonChange(BaseModel):
    """What is to be changed of an account; what is not named stays."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"roles": ["reader"], "enabled": True}]}
    )

    roles: Annotated[list[Role], Field(max_length=10)] | None = None
    units: Annotated[list[Word], Field(max_length=50)] | None = None
    jurisdictions: Annotated[list[Word], Field(max_length=50)] | None = None
    enabled: bool | None = None


class KeyReport(BaseModel):
    """A key as kept: the key itself is not."""

    id: str
    title: str
    scopes: list[Permission]
    added_at: AwareDatetime
    expires_at: AwareDatetime
    revoked_at: AwareDatetime | None


class Keys(BaseModel):
    """Keys of the person who asks, newest first."""

    items: list[KeyReport]


class NewKey(BaseModel):
    """A key to be made for the person who asks."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"title": "nightly export", "scopes": ["alerts.read"], "days": 90}]
        },
    )

    title: Name
    scopes: Annotated[list[Permission], Field(min_length=1, max_length=30)]
    days: Annotated[int, Field(ge=1, le=366)] = 90


class ShownKey(KeyReport):
    """A new key, with the text that is shown this once."""

    key: str
