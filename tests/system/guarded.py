"""A broker with the files that the gateway ships for it, word for word but for ports and folders."""

import ssl
import subprocess
from dataclasses import replace
from pathlib import Path

import aiomqtt
import trustme

from agent.domain.secret import Secret
from agent.feed import MqttSettings
from tests.services.mosquitto import program
from tests.services.service import free_port
from tests.system.processes import HOST, ROOT, Mosquitto
from tests.system.stage import Stage

USERS = ("gateway", "display", "technician", "homeassistant", "scada", "stranger")
PASSWORD = Secret("shoal", "a test")
"""Everybody's."""

# What Debian has in /etc/mosquitto/mosquitto.conf; `user` lets root start it in a folder that only root can read.
_DEBIANS = """
user root
pid_file {folder}/mosquitto.pid
persistence true
persistence_location {folder}/mosquitto/
log_dest stdout
include_dir {folder}/conf.d
"""


class Guarded:
    """`settings` are for the listener that others reach, behind TLS; `local_port` is the one for this machine."""

    def __init__(self, stage: Stage, certificates: bool = False) -> None:
        folder = self._folder = stage.folder
        self.local_port, port = free_port(), free_port()
        self.broker = stage.process(Mosquitto(folder, port))
        (folder / "mosquitto.conf").write_text(_DEBIANS.format(folder=folder))
        (folder / "conf.d").mkdir()
        shipped = "".join(
            (ROOT / "systemd" / name).read_text() for name in ("mosquitto.conf", "mosquitto-network.conf")
        )
        for before, after in (
            ("/etc/mosquitto/", f"{folder}/"),
            ("listener 1883 ", f"listener {self.local_port} "),
            ("listener 8883", f"listener {port}"),
            *([("# require_", "require_"), ("# use_identity", "use_identity")] if certificates else []),
        ):
            assert before in shipped
            shipped = shipped.replace(before, after)
        (folder / "conf.d" / "aquacontrol.conf").write_text(shipped)
        acl = folder / "aquacontrol.acl"
        acl.write_text((ROOT / "systemd" / "mosquitto.acl").read_text())
        acl.chmod(0o600)
        self._write_certificates(folder / "certs")
        _write_passwords(folder / "aquacontrol.passwords")
        self.settings = MqttSettings(HOST, port, ca_file=str(folder / "certs" / "ca.pem"))

    def _write_certificates(self, folder: Path) -> None:
        """The broker's is for 127.0.0.1."""
        folder.mkdir()
        self.authority = trustme.CA()
        self.authority.cert_pem.write_to_path(folder / "ca.pem")
        own = self.authority.issue_cert(HOST)
        own.cert_chain_pems[0].write_to_path(folder / "broker.pem")
        own.private_key_pem.write_to_path(folder / "broker.key")

    def named(self, user: str) -> MqttSettings:
        return replace(self.settings, username=user, password=PASSWORD)


def client(settings: MqttSettings) -> aiomqtt.Client:
    """With the name and password of the settings, if they have any."""
    return aiomqtt.Client(
        settings.host,
        settings.port,
        username=settings.username,
        password=settings.password.reveal() if settings.password else None,
        tls_context=ssl.create_default_context(cafile=settings.ca_file) if settings.encrypted else None,
        timeout=settings.timeout_s,
    )


def _write_passwords(path: Path) -> None:
    path.touch(0o600)
    tool = Path(program()).parents[1] / "bin" / "mosquitto_passwd"
    for user in USERS:
        subprocess.run([tool, "-b", path, user, PASSWORD.reveal()], check=True, capture_output=True)
