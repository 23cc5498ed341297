"""Log records as entries of journald, with fields that can be searched: `journalctl -u aqua-gateway PROBE=do-1`.

Speaks journald's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): a datagram an entry, a field a line; a value
with a line end in it comes by its length. A record says which tanks, probes and bus it is about with `extra=Fields(…)`.
"""

import logging
import os
import socket
import sys
from collections.abc import Iterator
from typing import Final, TypedDict

SOCKET: Final = "/run/systemd/journal/socket"
_LONGEST: Final = 32_768  # bytes of a message; a datagram takes some 200,000
# syslog(3)
_PRIORITIES: Final = {logging.CRITICAL: 2, logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6, logging.DEBUG: 7}


class Fields(TypedDict, total=False):
    """What a record is about; a device that probes of several tanks share has several of each."""

    tanks: tuple[str, ...]
    probes: tuple[str, ...]
    bus: str


def stderr_is_the_journal() -> bool:
    """systemd.exec(5): $JOURNAL_STREAM names the device and inode of the stream that it connected to the journal."""
    try:
        seen = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{seen.st_dev}:{seen.st_ino}"


class JournalHandler(logging.Handler):
    """Never waits: entries that journald does not take at once are counted, and the next one that it takes says so."""

    def __init__(self, path: str = SOCKET) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(message)s"))
        self._path = path
        self._lost = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    def emit(self, record: logging.LogRecord) -> None:
        message = self.format(record)
        if self._lost:
            message += f" ({self._lost} messages before this one were lost: journald did not take them)"
        try:
            self._socket.sendto(entry(record, message), self._path)
        except OSError:
            self._lost += 1
        else:
            self._lost = 0

    def close(self) -> None:
        self._socket.close()
        super().close()


def entry(record: logging.LogRecord, message: str) -> bytes:
    """The datagram for a record whose text is `message`."""
    return b"".join(_field(name, text) for name, text in _fields(record, message))


def _fields(record: logging.LogRecord, message: str) -> Iterator[tuple[str, str]]:
    yield "MESSAGE", message
    yield "PRIORITY", str(_PRIORITIES.get(record.levelno, 6))
    yield "SYSLOG_IDENTIFIER", "aqua-gateway"
    yield "LOGGER", record.name
    yield "CODE_FILE", record.pathname
    yield "CODE_LINE", str(record.lineno)
    for name, key in (("TANK", "tanks"), ("PROBE", "probes")):
        for text in getattr(record, key, ()):
            yield name, text
    if (bus := getattr(record, "bus", None)) is not None:
        yield "BUS", bus


def _field(name: str, text: str) -> bytes:
    value = text.encode(errors="backslashreplace")[:_LONGEST]
    if b"\n" in value:
        return name.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"
    return name.encode() + b"=" + value + b"\n"
