"""One machine for all tests of the unit, installed offline from a folder of wheels, with a simulated farm on it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.systemd.machine import ROOT, Machine, missing, until

FARM = """
seed = 1
[[ponds]]
name = "tank-1"
[lines.rs485]
pty = "/run/farm/ttyRS485"
[[twins]]
name = "do-1"
model = "renke-rs-ldo-n01"
line = "rs485"
unit = 1
pond = "tank-1"
"""

GATEWAY = """
[gateway]
id = "hall-1"
site = "A farm"
state_dir = "/var/lib/aquacontrol"
runtime_dir = "/run/aquacontrol"
[ring_buffer]
size_mb = 16
commit_s = 0.5
[mqtt]
host = "127.0.0.1"
username = "gateway"
password = { credential = "aquacontrol_mqtt" }
[[tanks]]
name = "tank-1"
[buses.rs485]
protocol = "modbus-rtu"
device = "/run/farm/ttyRS485"
timeout_s = 0.3
[[probes]]
name = "do-1"
tank = "tank-1"
bus = "rs485"
profile = "renke-rs-ldo-n01"
unit = 1
period_s = 0.5
[[probes]]
name = "dead"
tank = "tank-1"
bus = "rs485"
profile = "renke-rs-ldo-n01"
unit = 9
period_s = 0.5
[sinks.archive]
kind = "archive"
folder = "/var/lib/aquacontrol/archive"
linger_s = 0
leave_free_mb = 0
clock_patience_s = 0
[sinks.cloud]
kind = "http"
url = "http://127.0.0.1:9/nobody-is-there"
api_key = { credential = "aquacontrol_mqtt" }
linger_s = 0
"""
IMPATIENT = Path(__file__).with_name("impatient.py")
FREEZABLE = ("-t", "ext4")
DROP_IN = "/etc/systemd/system/aqua-gateway.service.d"


@pytest.fixture(scope="session")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    script = str(ROOT / "systemd" / "install.sh")
    # With Debian's Python, which is the one that the service may see.
    path = {**os.environ, "PATH": f"/usr/bin:/bin:{os.environ['PATH']}"}
    made = subprocess.run([script, "wheelhouse", str(folder)], capture_output=True, text=True, env=path)
    assert made.returncode == 0, made.stdout + made.stderr
    return folder


@contextmanager
def booted(folder: Path, *sources: Path) -> Iterator[Machine]:
    """A machine with the sources in /srv/aqua, halted at the end."""
    machine = Machine(folder)
    try:
        machine.boot()
        for command in (["mkdir", "-p", "/srv/aqua/wheels"], ["chmod", "755", "/srv/aqua"]):
            machine.told(*command)
        for source in sources:
            target = "/srv/aqua/wheels" if source.suffix == ".whl" else "/srv/aqua"
            subprocess.run(["cp", "-r", str(source), str(machine.path(target))], check=True)
        yield machine
    finally:
        print(machine.journal() if machine.init else (machine.console.read_text()))
        machine.halt()


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory, wheelhouse: Path) -> Iterator[Machine]:
    """Booted, with the checkout's systemd folder and the wheels in /srv, and nothing installed."""
    if because := missing():
        pytest.skip(because)
    sources = (ROOT / "systemd", ROOT / "requirements.lock", *wheelhouse.glob("*.whl"))
    with booted(tmp_path_factory.mktemp("machine"), *sources) as machine:
        yield machine


@pytest.fixture(scope="session")
def installed(machine: Machine) -> str:
    """What the first installation said."""
    return machine.told("/srv/aqua/systemd/install.sh", "--wheelhouse", "/srv/aqua/wheels", within_s=100)


@pytest.fixture(scope="session")
def state_disk(machine: Machine) -> Iterator[tuple[str, ...]]:
    """What to mount for the gateway's state: an ext4 of its own, which can be frozen, or at least a small tmpfs."""
    image = Path("/dev/shm") / f"aqua-test-{machine.init}.img"
    try:
        with image.open("wb") as file:
            file.truncate(40_000_000)
        subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
        found = subprocess.run(["losetup", "--find", "--show", image], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        yield "-t", "tmpfs", "-o", "size=40m", "tmpfs"
    else:
        device = found.stdout.strip()
        machine.told("mknod", "/run/disk", "b", "7", device.removeprefix("/dev/loop"))
        yield (*FREEZABLE, "/run/disk")
        machine.run("umount", "--lazy", "/var/lib/aquacontrol")
        subprocess.run(["losetup", "--detach", device], check=True)
    finally:
        image.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def gateway(machine: Machine, installed: str, state_disk: tuple[str, ...]) -> Machine:
    """Configured and started over a simulated farm, its state on a small file system of its own."""
    machine.path("/srv/farm.toml").write_text(FARM)
    machine.told("mkdir", "-p", "/run/farm")
    farm = ["/opt/aquacontrol/bin/aqua-gateway", "simulate", "/srv/farm.toml"]
    machine.told("systemd-run", "-q", "--unit=farm", *farm)
    until(lambda: machine.run("test", "-e", "/run/farm/ttyRS485").returncode == 0, 60, "the farm is there")
    machine.told("mount", *state_disk, "/var/lib/aquacontrol")
    machine.told("chown", "aquacontrol:", "/var/lib/aquacontrol")
    machine.told("chmod", "750", "/var/lib/aquacontrol")
    machine.path("/etc/aquacontrol/gateway.toml").write_text(GATEWAY)
    machine.told("cp", "/etc/aquacontrol/mqtt.secret", "/etc/aquacontrol/credentials/mqtt")  # the broker's name and all
    machine.path(DROP_IN).mkdir()
    machine.path(f"{DROP_IN}/test.conf").write_text("[Service]\nWatchdogSec=6\nRestartSec=0.5\n")
    subprocess.run(["cp", IMPATIENT, machine.path("/srv")], check=True)
    machine.told("install", "-D", "/dev/null", "/run/systemd/timesync/synchronized")  # by timesyncd, say
    machine.told("systemctl", "daemon-reload")
    machine.told("systemctl", "enable", "--now", "-q", "aqua-gateway")
    return machine
