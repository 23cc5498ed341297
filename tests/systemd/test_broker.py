"""What the installation does to a Mosquitto that is there already: the same functions, over a folder of its own."""

import subprocess
from pathlib import Path

import pytest

from tests.systemd.machine import ROOT, missing

OURS = "conf.d/aquacontrol.conf"


@pytest.fixture
def mosquitto(tmp_path: Path) -> Path:
    """Debian's, as it comes."""
    if because := missing():
        pytest.skip(because)
    folder = tmp_path / "mosquitto"
    (folder / "conf.d").mkdir(parents=True)
    (folder / "mosquitto.conf").write_text(f"persistence true\ninclude_dir {folder}/conf.d\n")
    (tmp_path / "mqtt.secret").write_text("shoal")
    (tmp_path / "gateway.toml").write_text('[mqtt]\npassword = { file = "mqtt.secret" }\n')
    return folder


def broker(mosquitto: Path) -> str:
    top = mosquitto.parent
    where = f"share={ROOT}/systemd config={top}/gateway.toml secret={top}/mqtt.secret mosquitto={mosquitto}"
    code = f". {ROOT}/systemd/installation.sh; {where}; systemd_runs() {{ false; }}; broker"
    done = subprocess.run(["sh", "-euc", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def content(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_it_is_configured_once(mosquitto: Path) -> None:
    assert "asks for a name" in broker(mosquitto)
    first = content(mosquitto)
    assert "listener 1883 127.0.0.1" in first[OURS]
    assert first["aquacontrol.passwords"].startswith("gateway:$")
    assert "shoal" not in first["aquacontrol.passwords"]
    assert broker(mosquitto) == ""
    assert content(mosquitto) == first


def test_names_and_rights_that_a_person_gave_stay(mosquitto: Path) -> None:
    broker(mosquitto)
    for name in (OURS, "aquacontrol.acl", "aquacontrol.passwords"):
        (mosquitto / name).write_text((mosquitto / name).read_text() + "# mine\n")
    first = content(mosquitto)
    broker(mosquitto)
    assert content(mosquitto) == first


@pytest.mark.parametrize("setting", ["listener 1883", "allow_anonymous true", "  password_file /etc/own", "port 1884"])
def test_one_that_a_person_has_configured_is_left_alone(mosquitto: Path, setting: str) -> None:
    (mosquitto / "conf.d" / "own.conf").write_text(f"# mine\n{setting}\n")
    first = content(mosquitto)
    assert "is left as it is" in broker(mosquitto)
    assert content(mosquitto) == first


def test_one_that_reads_no_other_files_is_left_alone(mosquitto: Path) -> None:
    (mosquitto / "mosquitto.conf").write_text("persistence true\n")
    assert "is left as it is" in broker(mosquitto)
    assert not (mosquitto / OURS).exists()


def test_a_gateway_without_that_password_is_not_locked_out(mosquitto: Path) -> None:
    (mosquitto.parent / "gateway.toml").write_text('[mqtt]\n# password = { file = "mqtt.secret" }\n')
    first = content(mosquitto)
    assert broker(mosquitto) == ""
    assert content(mosquitto) == first
