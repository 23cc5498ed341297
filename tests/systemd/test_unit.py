"""The gateway as a service of a real systemd. The tests share one machine and go on from one another."""

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.systemd.conftest import DROP_IN, FREEZABLE, GATEWAY
from tests.systemd.machine import ROOT, UNIT, Machine, missing, until

pytestmark = pytest.mark.timeout(300)  # the first of them installs everything

STATE = "/var/lib/aquacontrol"
CONFIG = "/etc/aquacontrol/gateway.toml"


def stored(machine: Machine, where: str = "value IS NOT NULL") -> int:
    """Readings in the ring buffer, asked there as the user of the gateway."""
    sql = f"SELECT count(*) FROM readings WHERE {where}"  # noqa: S608 - our own words
    ask = f"import sqlite3; c = sqlite3.connect('file:{STATE}/ring-buffer.sqlite?mode=ro', uri=True, timeout=5)"
    code = f"{ask}; print(c.execute({sql!r}).fetchone()[0])"
    return int(machine.told("/opt/aquacontrol/bin/python", "-c", code))


def stores_more(machine: Machine, readings: int = 6) -> None:
    wanted = stored(machine) + readings
    until(lambda: stored(machine) >= wanted, 60, f"{readings} more readings are stored\n{machine.journal()}")


def restarts(machine: Machine) -> int:
    return int(machine.unit("NRestarts"))


def test_the_exposure_stays_low() -> None:
    if because := missing():
        pytest.skip(because)
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(ROOT / "systemd" / UNIT)]
    said = subprocess.run(command, capture_output=True, text=True)
    found = re.search(r"Overall exposure level .*: ([\d.]+)", said.stdout)
    assert found, said
    assert float(found[1]) <= 1.5


def test_the_first_installation_writes_an_example_and_says_what_is_next(machine: Machine, installed: str) -> None:
    assert "check-config" in installed
    assert "systemctl enable --now aqua-gateway" in installed
    assert machine.told("stat", "-c", "%a %U %G", CONFIG).strip() == "640 root aquacontrol"
    assert machine.told("stat", "-c", "%a %U", "/etc/aquacontrol/credentials").strip() == "700 root"
    assert "is right" in machine.told("setpriv", "--reuid=aquacontrol", "--clear-groups", "--regid=aquacontrol",
                                      "aqua-gateway", "check-config")  # fmt: skip
    assert "dialout" in machine.told("id", "-nG", "aquacontrol")


def test_it_is_ready_with_a_stored_reading_and_reaches_line_clock_secret_and_sink(gateway: Machine) -> None:
    assert gateway.unit("ActiveState") == "active"
    assert stored(gateway) >= 1
    stores_more(gateway)
    assert gateway.unit("User") == "aquacontrol"
    until(lambda: "2 probes, 1 silent; store ok" in gateway.unit("StatusText"), 60, "the status line tells it")
    until(lambda: gateway.run("sh", "-c", f"ls {STATE}/archive/*").returncode == 0, 60, "the archive is written")
    assert "UTC, is synchronised" in gateway.journal()  # as timesyncd's mark says
    assert "no answer in" in gateway.journal()  # a dead probe and a dead cloud are told, and restart nothing
    until(lambda: "sink cloud" in gateway.journal(), 60, "the dead cloud is told")
    assert restarts(gateway) == 0


def test_killed_it_is_back(gateway: Machine) -> None:
    before = restarts(gateway)
    gateway.told("systemctl", "kill", "-s", "KILL", UNIT)
    until(lambda: restarts(gateway) == before + 1 and gateway.unit("ActiveState") == "active", 60, "it is back")
    stores_more(gateway)


def test_frozen_it_is_started_anew(gateway: Machine) -> None:
    before = restarts(gateway)
    gateway.told("systemctl", "kill", "-s", "STOP", UNIT)
    until(lambda: restarts(gateway) == before + 1 and gateway.unit("ActiveState") == "active", 60, "it is back")
    assert "Watchdog timeout" in gateway.journal()
    stores_more(gateway)


@pytest.fixture(scope="class")
def impatient(gateway: Machine) -> Iterator[Machine]:
    """The same gateway, whose watchdog waits five seconds for a turn or a commit, and which hangs on request."""
    drop_in = gateway.path(f"{DROP_IN}/impatient.conf")
    command = "/opt/aquacontrol/bin/python /srv/impatient.py run /etc/aquacontrol/gateway.toml"
    drop_in.write_text(f"[Service]\nExecStart=\nExecStart={command}\n")
    anew(gateway)
    yield gateway
    drop_in.unlink()
    anew(gateway)


def anew(machine: Machine) -> None:
    """With the unit as it is now."""
    machine.told("systemctl", "daemon-reload")
    machine.told("systemctl", "restart", UNIT)


class TestWhatHangsIsStartedAnew:
    def hangs(self, machine: Machine, hang: Callable[[], object], because: str, go_on: Callable[[], object]) -> None:
        """`hang` has the watchdog end it, as the journal explains, and start it anew; `go_on` takes the cause away."""
        before, told = restarts(machine), machine.journal().count(because)
        hang()
        until(lambda: machine.journal().count(because) > told, 60, f"the journal says {because!r}")
        go_on()
        until(lambda: restarts(machine) > before and machine.unit("ActiveState") == "active", 60, "it is back")
        stores_more(machine)

    def test_a_bus(self, impatient: Machine) -> None:
        hang = impatient.path("/run/farm/hang")
        self.hangs(impatient, partial(hang.write_text, "bus"), "bus rs485 has not got on", hang.unlink)

    def test_the_event_loop(self, impatient: Machine) -> None:
        hang = impatient.path("/run/farm/hang")
        self.hangs(impatient, partial(hang.write_text, "loop"), "Watchdog timeout", hang.unlink)

    def test_the_store(self, impatient: Machine, state_disk: tuple[str, ...]) -> None:
        """Its disk answers nothing: who writes to it cannot even be killed before it does again. Where no disk of its
        own can be had, a commit hangs.
        """
        hang = impatient.path("/run/farm/hang")
        freeze: Callable[[], object] = partial(impatient.told, "fsfreeze", "--freeze", STATE)
        thaw: Callable[[], object] = partial(impatient.told, "fsfreeze", "--unfreeze", STATE)
        if state_disk[:2] != FREEZABLE:
            freeze, thaw = partial(hang.write_text, "store"), hang.unlink
        try:
            self.hangs(impatient, freeze, "the store has not got on", thaw)
        finally:
            impatient.run("fsfreeze", "--unfreeze", STATE)


def test_a_full_disk_restarts_nothing(gateway: Machine) -> None:
    before = restarts(gateway)
    gateway.run("dd", "if=/dev/zero", f"of={STATE}/filler", "bs=64k")
    time.sleep(8)  # longer than the watchdog's patience here
    assert restarts(gateway) == before
    assert gateway.unit("ActiveState") == "active"
    gateway.told("rm", f"{STATE}/filler")
    stores_more(gateway)


def test_a_good_reload_is_applied_by_the_same_process(gateway: Machine) -> None:
    pid, count = gateway.unit("MainPID"), stored(gateway, "1")
    gateway.path(CONFIG).write_text(GATEWAY.replace('site = "A farm"', 'site = "Another farm"'))
    gateway.told("systemctl", "reload", UNIT)
    until(lambda: '"site": "Another farm"' in gateway.path("/run/aquacontrol/status.json").read_text(), 20, "applied")
    stores_more(gateway)
    assert gateway.unit("MainPID") == pid
    assert stored(gateway, "1") > count
    assert (
        "(aquacontrol_mqtt) are as they were at the start: a changed one takes systemctl restart" in gateway.journal()
    )


def test_a_wrong_reload_is_refused_with_every_mistake_and_changes_nothing(gateway: Machine) -> None:
    pid = gateway.unit("MainPID")
    wrong = GATEWAY.replace("size_mb = 16", "size_mb = -1").replace('tank = "tank-1"', 'tank = "nowhere"')
    gateway.path(CONFIG).write_text(wrong)
    gateway.told("systemctl", "reload", UNIT)
    until(lambda: "is refused" in gateway.journal(), 60, "it is refused")
    until(lambda: "size_mb" in gateway.journal() and "nowhere" in gateway.journal(), 10, "the journal has both")
    stores_more(gateway)
    assert gateway.unit("MainPID") == pid
    gateway.path(CONFIG).write_text(GATEWAY)


def test_an_upgrade_keeps_configuration_and_readings(gateway: Machine) -> None:
    pid, count = gateway.unit("MainPID"), stored(gateway, "1")
    said = gateway.told("/srv/aqua/systemd/install.sh", "--wheelhouse", "/srv/aqua/wheels", within_s=100)
    assert "is kept" in said
    assert gateway.unit("MainPID") != pid
    assert gateway.path(CONFIG).read_text() == GATEWAY
    stores_more(gateway)
    assert stored(gateway, "1") > count


def test_it_stops_within_five_seconds_and_leaves_no_error(gateway: Machine) -> None:
    began = time.monotonic()
    gateway.told("systemctl", "stop", UNIT)
    assert time.monotonic() - began < 5
    assert gateway.unit("Result") == "success"


def test_removed_it_leaves_its_data_and_purged_nothing(gateway: Machine) -> None:
    gateway.told("/srv/aqua/systemd/install.sh", "remove")
    assert gateway.run("systemctl", "cat", UNIT).returncode != 0
    assert not gateway.path("/opt/aquacontrol").exists()
    assert gateway.path(CONFIG).exists()
    assert gateway.path(f"{STATE}/ring-buffer.sqlite").exists()
    gateway.told("umount", STATE)
    gateway.told("/srv/aqua/systemd/install.sh", "purge")
    assert not gateway.path("/etc/aquacontrol").exists()
    assert not gateway.path(STATE).exists()
