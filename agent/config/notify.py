"""`[notify.<name>]`: the other ways out of an alarm, each with the alarms that go that way."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, InstanceOf, model_validator

from agent.config.document import Document
from agent.config.farm import NotifyChoice
from agent.config.findings import not_a_table
from agent.config.shape import Host, Name, Table
from agent.domain.alarm import AlarmKind, Event, Priority
from agent.domain.secret import Secret
from agent.notify import HookSettings, MailSettings, Wanted

_Address = Annotated[str, Field(pattern=r"^[^@\s,]+@[^@\s,]+$", max_length=254)]
_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_HERE = ("127.0.0.1", "::1", "localhost")


class _NotifyTable(Table):
    priorities: tuple[Priority, ...] = (Priority.CRITICAL, Priority.WARNING)
    kinds: tuple[AlarmKind, ...] = ()
    events: tuple[Event, ...] = (Event.RAISED, Event.REALARMED, Event.CLEARED)

    @property
    def wanted(self) -> Wanted:
        return Wanted(self.priorities, self.kinds, self.events)


class CommandTable(_NotifyTable):
    kind: Literal["command"]
    command: Annotated[list[str], Field(min_length=1, max_length=32)]
    timeout_s: Annotated[float, Field(gt=0, le=300)] = 10.0


class MailTable(_NotifyTable):
    kind: Literal["mail"]
    host: Host
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: _Address
    to: Annotated[list[_Address], Field(min_length=1, max_length=20)]
    username: str | None = None
    password: InstanceOf[Secret] | None = None
    ca_file: str | None = None

    @model_validator(mode="after")
    def _is_sound(self) -> "MailTable":
        if self.security == "none" and self.host not in _HERE:
            raise ValueError('security = "none" is for a server on this machine only')
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together")
        return self


_TABLES: Mapping[str, type[CommandTable] | type[MailTable]] = {"command": CommandTable, "mail": MailTable}


def notify_choices(document: Document) -> list[NotifyChoice]:
    """One choice for each `[notify.<name>]`; relative paths are taken from the configuration's folder."""
    found = []
    for name, value in document.tables("notify").items():
        key = f"notify.{name}"
        if not isinstance(value, dict):
            document.problems.append(not_a_table(key, value))
            continue
        document.validated({"name": name}, key, _Named)
        kind = value.get("kind")
        if not isinstance(kind, str) or kind not in _TABLES:
            document.wrong(f"{key}.kind", kind, "is no way out", f"write one of {', '.join(_TABLES)}")
            continue
        table = document.validated(value, key, _TABLES[kind])
        if table is not None:
            settings = _hook(document, key, table) if isinstance(table, CommandTable) else _mail(document, key, table)
            found.append(NotifyChoice(name, table.wanted, settings))
    return found


class _Named(Table):
    name: Name


def _hook(document: Document, key: str, table: CommandTable) -> HookSettings:
    program = document.folder / table.command[0]
    if not program.is_file():
        remedy = 'give the program\'s path; a shell line is ["/bin/sh", "-c", "…"]'
        document.wrong(f"{key}.command", table.command[0], "there is no such file", remedy)
    return HookSettings((str(program), *table.command[1:]), table.timeout_s)


def _mail(document: Document, key: str, table: MailTable) -> MailSettings:
    ca_file = None if table.ca_file is None else document.folder / table.ca_file
    if ca_file is not None and not ca_file.is_file():
        document.wrong(f"{key}.ca_file", table.ca_file, "there is no such file", "name the authority's certificate")
    return MailSettings(
        table.host, table.port or _PORTS[table.security], table.security, table.sender, tuple(table.to),
        table.username, table.password, None if ca_file is None else str(ca_file),
    )  # fmt: skip
