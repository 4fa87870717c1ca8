"""E-mail through the mail server of the authority."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import TYPE_CHECKING

import sqlalchemy as sa

from alerts.notify.channel import NotSentError, Outgoing, UndeliverableError, UnsureError
from alerts.notify.tables import choice
from alerts.notify.words import mail_of
from detector.database import reading
from detector.people.tables import person

if TYPE_CHECKING:
    from detector.notifying.settings import Smtp
    from detector.system import System

SECONDS = 10.0
"""How long the server may be silent at each step; all steps together stay below the lease."""
_SEVEN_BITS = SMTP.clone(cte_type="7bit")
_FAILED = (OSError, smtplib.SMTPException)


@dataclass(frozen=True)
class Mail:
    """The channel `email`."""

    system: System

    def send(self, outgoing: Outgoing, now: datetime) -> None:
        """See `alerts.notify.channel.Channel`."""
        settings = self.system.settings.notify
        if settings.smtp is None:
            raise NotSentError("no mail server is set (notify.smtp)")
        address, language = self._address(outgoing.recipient)
        subject, text = mail_of(outgoing.notices, language, settings.base_url)
        letter = EmailMessage(_SEVEN_BITS)
        letter["From"] = settings.smtp.sender
        letter["To"] = address
        letter["Subject"] = subject
        letter["Date"] = format_datetime(now)
        sender = parseaddr(settings.smtp.sender)[1]
        letter["Message-ID"] = f"<{outgoing.id}@{sender.rpartition('@')[2] or 'marketwarden'}>"
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(text)
        _deliver(settings.smtp, sender, address, letter.as_bytes())

    def _address(self, person_id: str) -> tuple[str, str]:
        """Where the person reads now; looked up at the last moment."""
        query = (
            sa.select(choice.c.email, choice.c.language)
            .join(person, person.c.id == choice.c.person_id)
            .where(choice.c.person_id == person_id, person.c.enabled)
        )
        with reading(self.system.engine) as connection:
            row = connection.execute(query).first()
        if row is None or not row.email:
            raise UndeliverableError("the person has no address, or no account any more")
        return row.email, row.language


def _deliver(server: Smtp, sender: str, address: str, letter: bytes) -> None:
    connection = _connected(server)
    try:
        _accepted(connection.mail(sender), "the sender")
        _accepted(connection.rcpt(address), "the address")
    except _FAILED as error:
        connection.close()
        raise NotSentError(_told(error)) from error
    except NotSentError:
        connection.close()
        raise
    try:
        _accepted(connection.data(letter), "the message")
    except smtplib.SMTPDataError as error:
        raise NotSentError(_told(error)) from error
    except _FAILED as error:
        # from here on it may lie in the server's queue, whatever became of the connection
        raise UnsureError(f"the mail server did not confirm: {_told(error)}") from error
    else:
        with suppress(*_FAILED):
            connection.quit()
    finally:
        connection.close()


def _connected(server: Smtp) -> smtplib.SMTP:
    connection: smtplib.SMTP | None = None
    try:
        context = ssl.create_default_context(cafile=server.ca_file or None)
        if server.security == "tls":
            connection = smtplib.SMTP_SSL(
                server.host, server.port, timeout=SECONDS, context=context
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=SECONDS)
        connection.ehlo()
        if server.security == "starttls":
            connection.starttls(context=context)
            connection.ehlo()
        if server.username:
            connection.login(server.username, server.password.get_secret_value())
    except _FAILED as error:
        if connection is not None:
            connection.close()
        raise NotSentError(f"no connection to the mail server: {_told(error)}") from error
    return connection


def _accepted(answer: tuple[int, bytes], what: str) -> None:
    """Raises NotSentError unless the server said yes; 5yz is its last word."""
    code = answer[0]
    if code not in (250, 251):
        raise NotSentError(f"the mail server refused {what}: {code}", final=code >= 500)


def _told(error: BaseException) -> str:
    """What went wrong, without the server's text: it may repeat an address or a login."""
    code = getattr(error, "smtp_code", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__
