"""Settings of e-mail and webhooks."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, SecretStr


class Smtp(BaseModel):
    """The mail server of the authority.

    Attributes:
        password: better set in the environment, WARDEN_NOTIFY__SMTP__PASSWORD.
        security: `starttls` begins in the open and must turn to TLS; `tls` is TLS from the start;
            `none` is for a server on this machine alone.
        ca_file: certificates to trust besides the usual ones' place; empty: those of the system.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str
    port: int = Field(default=587, ge=1, le=65_535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password: SecretStr = SecretStr("")
    sender: str
    ca_file: str = ""


class Notify(BaseModel):
    """Where notices may go.

    Attributes:
        base_url: of this server as people see it; links begin with it.
        email_domains: people may name addresses of these only; empty: of any.
        hosts: hosts of webhooks, as `host` or `host:port`; empty: no webhook anywhere.
        networks: addresses inside the authority that webhooks may reach none the less.
        allow_http: whether webhooks may go without TLS.
        ca_file: certificates to trust for webhooks; empty: those of the system.
        seconds: the longest one webhook may take, from the name to the answer.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(default="http://127.0.0.1:8000", pattern=r"^https?://[^\s]+$")
    smtp: Smtp | None = None
    email_domains: list[str] = []
    hosts: list[str] = []
    networks: list[IPvAnyNetwork] = []
    allow_http: bool = False
    ca_file: str = ""
    seconds: float = Field(default=15, gt=0, le=60)
