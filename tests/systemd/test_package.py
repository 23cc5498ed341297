"""The Debian package on a machine of its own: installed offline, started, upgraded, removed, purged, in this order."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.systemd.conftest import FARM, GATEWAY, booted
from tests.systemd.machine import ROOT, UNIT, Machine, missing, until

pytestmark = pytest.mark.timeout(400)  # the first of them builds two packages and installs one

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
CONFIG = "/etc/aquacontrol/gateway.toml"
SECRET = "/etc/aquacontrol/mqtt.secret"  # noqa: S105 - where it is
BUFFER = "/var/lib/aquacontrol/ring-buffer.sqlite"
BROKER = "/etc/mosquitto"
OURS = GATEWAY.replace('{ credential = "aquacontrol_mqtt" }', '{ file = "mqtt.secret" }')
# What the broker answers to a name and a password: 0 welcome, 5 (of MQTT 3.1.1) not allowed.
KNOCK = """
import sys, paho.mqtt.client as mqtt
knocks = mqtt.Client(mqtt.CallbackAPIVersion.VERSION1)
if sys.argv[1:]: knocks.username_pw_set(*sys.argv[1:])
knocks.on_connect = lambda client, _, __, answer: (print(answer), client.disconnect())
knocks.connect("127.0.0.1", 1883)
knocks.loop_forever()
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, wheelhouse: Path) -> Iterator[Machine]:
    """Booted, with two versions of the package in /srv/aqua."""
    if because := missing():
        pytest.skip(because)
    folder = tmp_path_factory.mktemp("packages")
    build = [str(ROOT / "systemd" / "package.sh"), ARCHITECTURE, str(folder), "1.0"]
    made = subprocess.run(build, capture_output=True, text=True, env={**os.environ, "WHEELS": str(wheelhouse)})
    assert made.returncode == 0, made.stdout + made.stderr
    newer = "sed -i 's/^Version: 1.0/Version: 1.1/' new/DEBIAN/control"
    anew = f"dpkg-deb -R *_1.0_* new && {newer} && dpkg-deb -Znone -b new ."
    subprocess.run(anew, shell=True, check=True, capture_output=True, cwd=folder)  # noqa: S602 - our own words
    with booted(tmp_path_factory.mktemp("machine"), *folder.glob("*.deb")) as machine:
        yield machine


@pytest.fixture(scope="module")
def installed(machine: Machine) -> str:
    """What the installation of the first version said."""
    return machine.told("dpkg", "--install", package("1.0"), within_s=200)


@pytest.fixture(scope="module")
def gateway(machine: Machine, installed: str) -> Machine:
    """Configured and started over a simulated farm."""
    machine.path("/srv/farm.toml").write_text(FARM)
    machine.told("mkdir", "-p", "/run/farm")
    machine.told("systemd-run", "-q", "--unit=farm", "aqua-gateway", "simulate", "/srv/farm.toml")
    until(lambda: machine.run("test", "-e", "/run/farm/ttyRS485").returncode == 0, 60, "the farm is there")
    machine.path(CONFIG).write_text(OURS)
    machine.told("systemctl", "enable", "--now", "-q", UNIT, within_s=120)
    return machine


def package(version: str) -> str:
    return f"/srv/aqua/aquacontrol-gateway_{version}_{ARCHITECTURE}.deb"


def as_gateway(machine: Machine, *command: str) -> str:
    return machine.told("setpriv", "--reuid=aquacontrol", "--regid=aquacontrol", "--clear-groups", *command)


def stored(machine: Machine) -> int:
    status = as_gateway(machine, "aqua-gateway", "buffer", "export", "--from", "2020-01-01", "--to", "2100-01-01")
    return status.count("good")


def knock(machine: Machine, *who: str) -> int:
    return int(machine.told("/opt/aquacontrol/bin/python", "-c", KNOCK, *who))


def test_the_licence_file_names_every_library() -> None:
    named = (ROOT / "systemd" / "debian" / "copyright").read_text()
    locked = re.findall(r"^([\w-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert locked
    assert [name for name in locked if f"wheels/{name.replace('-', '_')}-*" not in named] == []


def test_it_installs_offline_and_says_what_is_next(machine: Machine, installed: str) -> None:
    assert "check-config" in installed
    assert "systemctl enable --now aqua-gateway" in installed
    assert machine.told("stat", "-c", "%a %U %G", CONFIG).strip() == "640 root aquacontrol"
    assert machine.told("stat", "-c", "%a %U", SECRET).strip() == "400 aquacontrol"
    assert "dialout" in machine.told("id", "-nG", "aquacontrol")
    assert machine.path("/usr/lib/udev/rules.d/60-aquacontrol.rules").exists()
    assert "is right" in as_gateway(machine, "aqua-gateway", "check-config")
    assert machine.unit("ActiveState") == "inactive"  # nobody has written a configuration yet


def test_the_broker_asks_for_a_name_and_a_person_can_be_given_one(machine: Machine, installed: str) -> None:
    assert knock(machine) == 5
    assert knock(machine, "gateway", "a guess") == 5
    assert knock(machine, "gateway", machine.told("cat", SECRET)) == 0
    assert "mosquitto_passwd /etc/mosquitto/aquacontrol.passwords technician" in installed
    machine.told("mosquitto_passwd", "-b", f"{BROKER}/aquacontrol.passwords", "technician", "wet hands")
    machine.told("systemctl", "reload", "mosquitto")
    until(lambda: knock(machine, "technician", "wet hands") == 0, 30, "the technician is let in")


def test_it_reads_a_farm_and_tells_the_broker(gateway: Machine) -> None:
    until(lambda: stored(gateway) > 3, 60, f"readings are stored\n{gateway.journal()}")
    subscribe = KNOCK.replace("client.disconnect()", 'client.subscribe("aqua/hall-1/status")').replace(
        "print(answer), ", ""
    )
    listen = "knocks.on_message = lambda client, _, message: (print(message.payload.decode()), client.disconnect())\n"
    code = subscribe.replace("knocks.connect", listen + "knocks.connect")
    said = gateway.told("/opt/aquacontrol/bin/python", "-c", code, "technician", "wet hands")
    assert "online" in said


def test_an_upgrade_keeps_configuration_readings_and_names(gateway: Machine) -> None:
    kept = [CONFIG, SECRET, f"{BROKER}/aquacontrol.passwords", f"{BROKER}/aquacontrol.acl"]
    acl = gateway.path(f"{BROKER}/aquacontrol.acl")
    acl.write_text(acl.read_text() + "\nuser ana\ntopic read aqua/#\n")
    before, count, pid = [gateway.told("cat", path) for path in kept], stored(gateway), gateway.unit("MainPID")
    said = gateway.told("dpkg", "--install", package("1.1"), within_s=200)
    assert "is kept" in said
    assert [gateway.told("cat", path) for path in kept] == before
    assert gateway.unit("ActiveState") == "active"
    assert gateway.unit("MainPID") != pid
    until(lambda: stored(gateway) > count, 60, f"readings go on\n{gateway.journal()}")


def test_another_python_gets_an_environment_anew(gateway: Machine) -> None:
    gateway.told("sh", "-c", "rm -r /opt/aquacontrol/lib/python3*/site-packages")
    gateway.told("dpkg-trigger", "--by-package=python3-minimal", "/usr/bin/python3")
    gateway.told("dpkg", "--triggers-only", "--pending", within_s=200)
    gateway.told("aqua-gateway", "--help")
    assert gateway.unit("ActiveState") == "active"


def test_started_without_a_configuration_it_says_how_to_begin(gateway: Machine) -> None:
    gateway.told("systemctl", "stop", UNIT)
    gateway.told("mv", CONFIG, f"{CONFIG}.away")
    gateway.told("systemctl", "start", "--no-block", UNIT)
    until(lambda: "begin one with sudo aqua-gateway init" in gateway.journal(), 60, "the log has the next step")
    gateway.told("mv", f"{CONFIG}.away", CONFIG)
    until(lambda: gateway.unit("ActiveState") == "active", 60, "it begins by itself once there is one")


def test_removed_it_leaves_its_data_and_purged_nothing(gateway: Machine) -> None:
    gateway.told("systemctl", "stop", "farm")
    gateway.told("dpkg", "--remove", "aquacontrol-gateway")
    assert gateway.run("systemctl", "cat", UNIT).returncode != 0
    assert not gateway.path("/opt/aquacontrol").exists()
    assert gateway.path(CONFIG).exists()
    assert gateway.path(BUFFER).exists()
    gateway.told("dpkg", "--purge", "aquacontrol-gateway")
    for gone in ("/etc/aquacontrol", "/var/lib/aquacontrol", f"{BROKER}/conf.d/aquacontrol.conf"):
        assert not gateway.path(gone).exists()
    until(lambda: gateway.run("systemctl", "is-active", "-q", "mosquitto").returncode == 0, 30, "the broker goes on")
