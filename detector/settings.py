"""Settings of one installation: defaults, then `config.toml` in the home, then the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from features.errors import WardenError

CONFIG_NAME = "config.toml"

CONFIG_TEMPLATE = """\
# Marketwarden, one installation. Every key may also be set in the environment:
# database_url is WARDEN_DATABASE_URL, jobs.ingest-folder is WARDEN_JOBS__INGEST_FOLDER.

# Where the state lives. Empty: an SQLite file in this folder.
# PostgreSQL: "postgresql+psycopg://user:password@host/database"
database_url = ""

# Folders with rules of your own, beside the ones shipped.
rule_dirs = []

# Share of false alarms accepted among alerts that rest on p-values.
false_discovery_rate = 0.10

# Whether reviews may change the order of the alerts that wait; figures never change by it.
learn_order = true

# Minutes a reviewer needs for one firing, for the hours a backtest expects.
review_minutes = 30

# Second place of the audit trail: signed checkpoints go there. Empty: `audit` in this folder.
# Name a folder on another disk or machine; see docs/howto/check-the-audit-trail.md.
audit_copy_dir = ""

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
        }


class Settings(BaseSettings):
    """One frozen set of settings, read once at the edge.

    Raises:
        pydantic.ValidationError: a value of the wrong type, or an unknown key.
    """

    model_config = SettingsConfigDict(
        env_prefix="WARDEN_", env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    database_url: str = ""
    rule_dirs: list[Path] = []
    false_discovery_rate: float = Field(default=0.10, gt=0, lt=1)
    learn_order: bool = True
    review_minutes: float = Field(default=30, gt=0)
    audit_copy_dir: str = ""
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
        rows.append({"key": key, "value": str(shown), "origin": origin})
    return rows


def hide_password(url: str) -> str:
    """The URL with its password masked, safe to print."""
    from sqlalchemy.engine import make_url

    return make_url(url).render_as_string(hide_password=True) if url else ""
