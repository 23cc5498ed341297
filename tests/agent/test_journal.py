"""The log: real journald gets real fields, nothing waits for it, and nothing fills it."""

import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.journal import Fields, JournalHandler, entry, stderr_is_the_journal
from agent.logs import RateLimit
from tests.agent.test_polling import Line

JOURNALD = Path("/usr/lib/systemd/systemd-journald")

# journald of its own on a /run of its own: the machine's is not touched.
STAGE = """
set -e
mount -t tmpfs run /run
mkdir -p /run/systemd/journal /run/log/journal
{journald} >/dev/null 2>&1 &
trap "kill $!; wait $! || true" EXIT
for _ in $(seq 100); do [ -S /run/systemd/journal/socket ] && break; sleep 0.05; done
{python} -c "$1"
journalctl --sync
journalctl --directory /run/log/journal --output json SYSLOG_IDENTIFIER=aqua-gateway
"""
SPEAKER = """
import logging
from agent.journal import Fields, JournalHandler
logging.basicConfig(level="INFO", handlers=[JournalHandler()])
log = logging.getLogger("agent.polling")
about = Fields(tanks=("tank-1", "tank-2"), probes=("do-1", "ph-1"), bus="rs485")
log.warning("%s: no reply", "do-1", extra=about)
try:
    raise ValueError("two\\nlines, µ")
except ValueError:
    log.exception("A bug")
log.info("x" * 1_000_000)
"""


def may_mount() -> bool:
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not JOURNALD.exists(), reason="there is no systemd-journald on this machine")
def test_journald_has_the_fields() -> None:
    if not may_mount():
        pytest.skip("a mount namespace needs root")
    stage = STAGE.format(journald=JOURNALD, python=sys.executable)
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", stage, "sh", SPEAKER]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    told, bug, long = map(json.loads, done.stdout.splitlines())
    fields = {name: told[name] for name in ("MESSAGE", "PRIORITY", "LOGGER", "TANK", "PROBE", "BUS")}
    assert fields == {
        "MESSAGE": "do-1: no reply", "PRIORITY": "4", "LOGGER": "agent.polling",
        "TANK": ["tank-1", "tank-2"], "PROBE": ["do-1", "ph-1"], "BUS": "rs485",
    }  # fmt: skip
    assert (bug["PRIORITY"], bug["MESSAGE"].splitlines()[-1]) == ("3", "lines, µ")
    assert long["MESSAGE"] is None or len(long["MESSAGE"]) == 32_768  # journalctl shows no long text as JSON


@given(st.text(), st.lists(st.text(), max_size=3))
def test_what_was_said_is_what_comes_whatever_it_was(message: str, probes: list[str]) -> None:
    record = logging.LogRecord("agent", logging.INFO, "file.py", 7, "", (), None)
    record.__dict__.update(Fields(probes=tuple(probes)))
    told = parsed(entry(record, message))
    assert told["MESSAGE"] == [message.encode(errors="backslashreplace")[:32_768]]
    assert told.get("PROBE", []) == [probe.encode(errors="backslashreplace") for probe in probes]
    assert told["PRIORITY"] == [b"6"]


def parsed(datagram: bytes) -> Mapping[str, list[bytes]]:
    """As systemd.io/JOURNAL_NATIVE_PROTOCOL has it."""
    fields: dict[str, list[bytes]] = {}
    while datagram:
        line, _, rest = datagram.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if equals:
            datagram = rest
        else:
            size = int.from_bytes(rest[:8], "little")
            value, datagram = rest[8 : 8 + size], rest[9 + size :]
        fields.setdefault(name.decode(), []).append(value)
    return fields


def test_a_journal_that_takes_nothing_keeps_nobody_waiting(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    handler = JournalHandler(str(path))
    log = logging.Logger("test")
    log.addHandler(handler)
    log.error("nobody listens")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journald:
        journald.bind(str(path))
        for _ in range(100_000):  # more than its queue takes
            log.error("x")
        for _ in range(100_000):
            if parsed(journald.recv(65_536))["MESSAGE"] == [b"x"]:
                break
        log.error("well")
        journald.setblocking(False)
        last = b""
        while True:
            try:
                last = journald.recv(65_536)
            except BlockingIOError:
                break
    handler.close()
    (said,) = parsed(last)["MESSAGE"]
    assert said.startswith(b"well (")
    assert said.endswith(b"were lost: journald did not take them)")


def test_it_speaks_to_the_journal_only_where_systemd_connected_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path(os.devnull).open("w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.delenv("JOURNAL_STREAM", raising=False)
        assert not stderr_is_the_journal()
        seen = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{seen.st_dev}:{seen.st_ino}")
        assert stderr_is_the_journal()
        monkeypatch.setenv("JOURNAL_STREAM", f"{seen.st_dev}:{seen.st_ino + 1}")  # somebody sent it to a file
        assert not stderr_is_the_journal()


async def test_an_hour_without_a_probe_is_two_lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    line = Line(dead=1.0, well=1.0)
    line.probes["dead"].silent = True
    await line.run(3600)
    assert len(line.oxygen("dead")) > 3000
    about_dead = [record for record in caplog.records if getattr(record, "probes", None) == ("dead",)]
    assert [record.getMessage().partition(": ")[2] for record in about_dead] == [
        "no reply in 0.5 s on /dev/ttyUSB0, unit 7",
        "no answer in 3 turns, it is asked less often until it answers",
    ]
    assert {(record.__dict__["bus"], record.__dict__["tanks"]) for record in about_dead} == {("rs485", ("tank-1",))}


async def test_an_hour_without_a_port_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    line = Line(a=1.0, b=1.0)
    line.bus.trouble = "/dev/ttyUSB0 is not there"
    await line.run(3600)
    assert [record.getMessage() for record in caplog.records] == ["Bus rs485: /dev/ttyUSB0 is not there; trying again"]
    assert caplog.records[0].__dict__["bus"] == "rs485"


async def test_an_hour_of_a_probe_that_comes_and_goes_is_limited(caplog: pytest.LogCaptureFixture) -> None:
    line = Line(loose=1.0)
    line.probes["loose"].silent_turn_of = 2
    limit = RateLimit(line.clock.boot_s)
    caplog.handler.addFilter(limit)
    try:
        await line.run(3600)
    finally:
        caplog.handler.removeFilter(limit)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) <= 2 * (10 + 60) + 1
    assert said[-1].endswith("like it were left out)")
    assert len(line.probes["loose"].asked) > 3000


def test_one_probe_that_talks_too_much_silences_no_other() -> None:
    limit = RateLimit(lambda: 0.0)

    def said(probe: str, line: int) -> bool:
        record = logging.LogRecord("agent", logging.INFO, "file.py", line, "said %s", ("it",), None)
        record.__dict__.update(Fields(probes=(probe,)))
        return bool(limit.filter(record))

    assert [said("a", 1) for _ in range(12)] == [True] * 10 + [False] * 2
    assert said("b", 1)
    assert said("a", 2)
