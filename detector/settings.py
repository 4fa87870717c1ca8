"""Settings of one installation: defaults, then `config.toml` in the home, then the environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from detector.notifying.settings import Notify
from features.errors import WardenError

if TYPE_CHECKING:
    from alerts.deadlines import Deadlines

CONFIG_NAME = "config.toml"

CONFIG_TEMPLATE = """\
# Marketwarden, one installation. Every key may also be set in the environment:
# database_url is WARDEN_DATABASE_URL, jobs.ingest-folder is WARDEN_JOBS__INGEST_FOLDER.

# Where the state lives. Empty: an SQLite file in this folder.
# PostgreSQL: "postgresql+psycopg://user:password@host/database"
database_url = ""

# What this installation calls itself in what it hands to others. Empty: the mark of its key.
installation = ""

# Folders with rules of your own, beside the ones shipped.
rule_dirs = []

# Share of false alarms accepted among alerts that rest on p-values.
false_discovery_rate = 0.10

# Whether reviews may change the order of the alerts that wait; figures never change by it.
learn_order = true

# Minutes a reviewer needs for one firing, for the hours a backtest expects.
review_minutes = 30

# Units of the authority and the typologies each works on; people are limited to units with
# `warden users limit`. A star at the end stands for any rest.
# units = {bidding = ["MON-BID-*"], privacy = ["PRIV-*", "DATA-*"]}

# Second place of the audit trail: signed checkpoints go there. Empty: `audit` in this folder.
# Name a folder on another disk or machine; see docs/howto/check-the-audit-trail.md.
audit_copy_dir = ""

# Largest file that may be attached to an alert, in bytes.
attachment_bytes = 20_000_000

# Largest filing that may be handed in over the door, in bytes; `warden ingest` has no limit.
upload_bytes = 200_000_000

[due]
# Days people have for an alert, weekends included, by severity 1 to 5.
legal = [60, 45, 30, 14, 7]
screen = [120, 90, 60, 30, 14]

[rates]
# Requests a minute, at once or spread, of one person to one server process; 0 is no limit.
# Attempts to sign in are counted by the address they come from.
read_per_minute = 120_000
change_per_minute = 1_200
sign_in_per_minute = 30

[second_person]
# An export of more alerts, or of more rows of filings or results, leaves only once a second person
# has approved it; 0: every export. A request holds so many hours.
export_alerts = 200
export_rows = 5_000
valid_hours = 72

[jobs]
# Cron text in UTC; "off" disables a job.
ingest-folder = "*/15 * * * *"
detect = "30 2 * * *"
refit = "0 4 1 * *"
sample-reviews = "0 5 * * 1"
learn-order = "20 * * * *"
drift = "0 5 * * 1"
audit-checkpoint = "10 * * * *"
searches = "5,20,35,50 * * * *"
notify = "* * * * *"
follow-up = "0 6 * * *"
"""


class Jobs(BaseModel):
    """Cron text of each scheduled job, in UTC; ``off`` disables it."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    ingest_folder: str = Field(default="*/15 * * * *", alias="ingest-folder")
    detect: str = "30 2 * * *"
    refit: str = "0 4 1 * *"
    sample_reviews: str = Field(default="0 5 * * 1", alias="sample-reviews")
    learn_order: str = Field(default="20 * * * *", alias="learn-order")
    drift: str = "0 5 * * 1"
    audit_checkpoint: str = Field(default="10 * * * *", alias="audit-checkpoint")
    searches: str = "5,20,35,50 * * * *"
    notify: str = "* * * * *"
    follow_up: str = Field(default="0 6 * * *", alias="follow-up")

    @model_validator(mode="before")
    @classmethod
    def environment_first(cls, given: Any) -> Any:
        """The file spells a job with a hyphen, the environment cannot: both given, it wins."""
        if not isinstance(given, dict):
            return given
        return {k: v for k, v in given.items() if "-" not in k or k.replace("-", "_") not in given}

    def schedules(self) -> dict[str, str]:
        """Cron text by job name."""
        return {
            "ingest-folder": self.ingest_folder,
            "detect": self.detect,
            "refit": self.refit,
            "sample-reviews": self.sample_reviews,
            "learn-order": self.learn_order,
            "drift": self.drift,
            "audit-checkpoint": self.audit_checkpoint,
            "searches": self.searches,
            "notify": self.notify,
            "follow-up": self.follow_up,
        }


Days = Annotated[int, Field(ge=1, le=3_650)]


class Due(BaseModel):
    """Days people have for an alert by lane, and in it by severity 1 to 5."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    legal: tuple[Days, Days, Days, Days, Days] = (60, 45, 30, 14, 7)
    screen: tuple[Days, Days, Days, Days, Days] = (120, 90, 60, 30, 14)

    def deadlines(self) -> Deadlines:
        """The same for the alerts."""
        from alerts.deadlines import Deadlines

        return Deadlines(self.legal, self.screen)


class Oidc(BaseModel):
    """The authority's identity provider (OpenID Connect).

    Attributes:
        issuer: as the provider names itself, to the letter.
        client_secret: better set in the environment, WARDEN_OIDC__CLIENT_SECRET.
        redirect: the address of this server as browsers see it, ending in /sign-in/oidc/back.
        name_claim: whose value is the name beside acts.
        groups_claim, roles: roles here by group there; empty leaves roles to this installation.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str
    client_id: str
    client_secret: str = ""
    redirect: str
    scope: str = "openid profile"
    name_claim: str = "preferred_username"
    groups_claim: str = "groups"
    roles: dict[str, list[str]] = {}


PerMinute = Annotated[int, Field(ge=0, le=100_000_000)]


class RateLimits(BaseModel):
    """Requests a minute of one person to one server process; 0 is no limit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    read_per_minute: PerMinute = 120_000
    change_per_minute: PerMinute = 1_200
    sign_in_per_minute: PerMinute = 30


class SecondPerson(BaseModel):
    """What leaves the installation only once a second person has approved it.

    Attributes:
        export_alerts, export_rows: an export of more alerts, or of more rows of filings or
            results, than this; 0: every export.
        valid_hours: how long a request may wait for its answer and be used, in all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    export_alerts: int = Field(default=200, ge=0)
    export_rows: int = Field(default=5_000, ge=0)
    valid_hours: int = Field(default=72, ge=1, le=24 * 31)


class Settings(BaseSettings):
    """One frozen set of settings, read once at the edge.

    Raises:
        pydantic.ValidationError: a value of the wrong type, or an unknown key.
    """

    model_config = SettingsConfigDict(
        env_prefix="WARDEN_", env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    database_url: str = ""
    installation: str = Field(default="", max_length=200)
    rule_dirs: list[Path] = []
    false_discovery_rate: float = Field(default=0.10, gt=0, lt=1)
    learn_order: bool = True
    review_minutes: float = Field(default=30, gt=0)
    units: dict[str, list[str]] = {}
    oidc: Oidc | None = None
    audit_copy_dir: str = ""
    attachment_bytes: int = Field(default=20_000_000, ge=1, le=200_000_000)
    upload_bytes: int = Field(default=200_000_000, ge=1, le=4_000_000_000)
    due: Due = Due()
    notify: Notify = Notify()
    rates: RateLimits = RateLimits()
    second_person: SecondPerson = SecondPerson()
    jobs: Jobs = Field(default_factory=lambda: Jobs.model_validate({}))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment above the file; the file is named when the settings are loaded."""
        toml_file = settings_cls.model_config.get("toml_file")
        if toml_file is None:
            return init_settings, env_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file)


def load_settings(home: Path) -> Settings:
    """Settings of the installation at `home`.

    Raises:
        WardenError: the file is not TOML, or a key or value is not known; names file and key.
    """
    import tomllib

    from pydantic import ValidationError

    path = home / CONFIG_NAME

    class AtHome(Settings):
        model_config = SettingsConfigDict(
            **{**Settings.model_config, "toml_file": path if path.exists() else None}
        )

    try:
        loaded = AtHome()
    except tomllib.TOMLDecodeError as error:
        raise WardenError("bad_config", f"{path} is not valid TOML: {error}.") from error
    except ValidationError as error:
        first: Any = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        known = ", ".join(sorted(Settings.model_fields))
        raise WardenError(
            "bad_config",
            f"{path}: `{key}`: {first['msg']}.",
            f"Known keys: {known}.",
        ) from error
    return loaded


def origins(home: Path, settings: Settings) -> list[dict[str, str]]:
    """Each setting with its value and where it came from: environment, file or default."""
    import os
    import tomllib

    path = home / CONFIG_NAME
    filed = tomllib.loads(path.read_text()) if path.exists() else {}
    rows = []
    for key in Settings.model_fields:
        value = getattr(settings, key)
        if key == "database_url":
            value = hide_password(str(value))
        if any(name.startswith(f"WARDEN_{key.upper()}") for name in os.environ):
            origin = "environment"
        else:
            origin = "file" if key in filed else "default"
        shown = value.schedules() if isinstance(value, Jobs) else value
        if isinstance(value, Oidc):
            shown = value.model_copy(update={"client_secret": "***" if value.client_secret else ""})
        if isinstance(value, Due):
            shown = {name: list(days) for name, days in value}
        rows.append({"key": key, "value": str(shown), "origin": origin})
    return rows


def hide_password(url: str) -> str:
    """The URL with its password masked, safe to print."""
    from sqlalchemy.engine import make_url

    return make_url(url).render_as_string(hide_password=True) if url else ""
