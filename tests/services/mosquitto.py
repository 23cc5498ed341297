"""Mosquitto, the MQTT broker that a farm has beside its gateway."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.services.service import HOST, NotInstalled, Service, free_port, listens


class Mosquitto(Service):
    """Takes everybody. It remembers sessions and retained messages; a kill may cost it the last of them."""

    name = "Mosquitto"

    def __init__(self, folder: Path, port: int | None = None) -> None:
        super().__init__(folder)
        self.port = port or free_port()

    @property
    def address(self) -> str:
        return f"mqtt://{HOST}:{self.port}"

    def prepare(self) -> None:
        self._file.write_text(configuration(self.folder, self.port))

    def command(self) -> Sequence[str]:
        return [program(), "-c", str(self._file)]

    def answers(self) -> bool:
        return listens(self.port)

    @property
    def _file(self) -> Path:
        return self.folder / "mosquitto.conf"


def program() -> str:
    """Debian puts it where only root's PATH leads. Raises NotInstalled."""
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise NotInstalled("there is no Mosquitto here; install it with: sudo apt-get install mosquitto")
    return found


def configuration(
    memory: Path, port: int, access: str = "allow_anonymous true", saves_every_change: bool = True
) -> str:
    """Of a broker whose memory is that folder, and which lets in whom `access` says. One that `saves_every_change`
    may be killed, and is slow for it: on a farm it saves every half hour.
    """
    save = "autosave_on_changes true\nautosave_interval 1\n" if saves_every_change else ""
    # `user` is heeded only when root starts it, who otherwise would be somebody who cannot write the memory.
    return (
        f"listener {port} {HOST}\n{access}\nuser root\nlog_type error\nlog_type notice\n"
        f"persistence true\npersistence_location {memory}/\n{save}"
        "max_queued_messages 0\n"
    )
