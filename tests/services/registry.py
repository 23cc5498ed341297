"""Apicurio Registry: a schema registry that refuses what does not fit, by the interface of Confluent's."""

import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tests.services import downloads
from tests.services.service import HOST, Service, free_port


class Registry(Service):
    """Schemas are kept in a file in its folder; nobody needs to log in."""

    name = "Apicurio Registry"

    def __init__(self, folder: Path, port: int | None = None) -> None:
        super().__init__(folder)
        self._port = port or free_port()
        self._health = free_port()

    @property
    def url(self) -> str:
        """Base URL of Confluent's interface, version 7."""
        return f"http://{HOST}:{self._port}/apis/ccompat/v7"

    @property
    def address(self) -> str:
        return self.url

    def command(self) -> Sequence[str]:
        settings = {
            "java.io.tmpdir": self.folder,
            "quarkus.http.host": HOST,
            "quarkus.http.port": self._port,
            "quarkus.management.host": HOST,
            "quarkus.management.port": self._health,
            "quarkus.http.access-log.enabled": "false",
            # what it has confirmed outlives a kill; by default the last half second does not
            "apicurio.datasource.url": f"jdbc:h2:file:{self.folder / 'schemas'};WRITE_DELAY=0",
            "apicurio.datasource.jdbc.initial-size": 2,
            "apicurio.datasource.jdbc.min-size": 2,
            "apicurio.storage.snapshot.location": self.folder,
            "apicurio.import.work-dir": self.folder,
        }
        jvm = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        properties = [f"-D{name}={value}" for name, value in settings.items()]
        return [downloads.JAVA, *jvm, *properties, "-jar", str(downloads.apicurio() / "quarkus-run.jar")]

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/subjects", timeout=2) as answer:  # noqa: S310 – its own address
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
