"""Alarms as e-mail: those that come together in one letter, at most one letter in half a minute."""

import asyncio
import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, localtime

from agent.alarm_messages import iso
from agent.domain.alarm import AlarmChange
from agent.domain.secret import Secret
from agent.notify.follower import NotNow, Refused

_LONGEST_SUBJECT = 150
_FOR_GOOD = 500  # from this code on a server means what it says (RFC 5321)


@dataclass(frozen=True, slots=True)
class MailSettings:
    """`security`: starttls, tls (from the first byte), or none, for a server on the same machine. Certificates are
    verified, against `ca_file` or else what the system trusts.
    """

    host: str
    port: int
    security: str
    sender: str
    to: tuple[str, ...]
    username: str | None = None
    password: Secret | None = None
    ca_file: str | None = None
    timeout_s: float = 10.0


class Mail:
    """See `agent.notify.follower.Way`."""

    at_once = 100

    def __init__(self, settings: MailSettings, gateway: str, pause_s: float = 30.0) -> None:
        self.pause_s = pause_s
        self._settings = settings
        self._gateway = gateway

    async def send(self, changes: Sequence[AlarmChange]) -> None:
        await asyncio.to_thread(self._send, self._letter(changes))

    def _letter(self, changes: Sequence[AlarmChange]) -> EmailMessage:
        letter = EmailMessage()
        more = f" (and {len(changes) - 1} more)" if len(changes) > 1 else ""
        letter["Subject"] = _on_one_line(f"[{self._gateway}] {changes[0].message}")[:_LONGEST_SUBJECT] + more
        letter["From"], letter["To"] = self._settings.sender, ", ".join(self._settings.to)
        letter["Date"] = format_datetime(localtime())
        # The same for the same alarm: a mailbox can tell a letter that came twice.
        letter["Message-ID"] = f"<{changes[-1].seq}.{self._gateway}@aquacontrol.invalid>"
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content("\n\n".join(_told(change) for change in changes) + "\n")
        return letter

    def _send(self, letter: EmailMessage) -> None:
        settings = self._settings
        where = f"SMTP server {settings.host}:{settings.port}"
        try:
            with self._connection() as server:
                if settings.username is not None and settings.password is not None:
                    server.login(settings.username, settings.password.reveal())
                server.send_message(letter)
        except smtplib.SMTPRecipientsRefused as error:
            raise _refused(where, *next(iter(error.recipients.values()))) from error
        except smtplib.SMTPAuthenticationError as error:
            raise NotNow(f"{where} does not accept username and password") from error
        except smtplib.SMTPResponseException as error:
            raise _refused(where, error.smtp_code, error.smtp_error) from error
        except (OSError, smtplib.SMTPException) as error:
            raise NotNow(f"{where}: {error}") from error

    def _connection(self) -> smtplib.SMTP:
        """Raises OSError, SMTPException."""
        settings = self._settings
        if settings.security == "none":
            return smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_s)
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.security == "tls":
            return smtplib.SMTP_SSL(settings.host, settings.port, timeout=settings.timeout_s, context=context)
        server = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_s)
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
        return server


def _refused(where: str, code: int, said: bytes | str) -> NotNow | Refused:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return (Refused if code >= _FOR_GOOD else NotNow)(f"{where} says {code} {text}")


def _told(change: AlarmChange) -> str:
    doubt = "" if change.at.trusted else " (the clock is not synchronised)"
    lines = [f"{iso(change.at.utc_us)}{doubt}", _on_one_line(change.message)]
    if change.standing.active and (advice := change.alarm.advice):
        lines += [advice.response, f"{advice.cause} {advice.consequence}"]
    return "\n".join([*lines, f"alarm: {change.alarm}, {change.alarm.priority.value}, {change.standing.state.value}"])


def _on_one_line(text: str) -> str:
    return " ".join(text.encode("utf-8", "backslashreplace").decode("utf-8").split())
