"""What is in a support bundle: a file each, made by a function that may fail without the others."""

import os
import platform
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Final

from agent.config import ConfigError, Gateway, load
from agent.domain.errors import AquaError
from agent.flight_recorder import fault_files
from agent.metrics.exposition import exposition
from agent.store.inspection.reader import Reader
from agent.support.places import secrets_of
from agent.support.redaction import secrets_in
from agent.views import buffer as buffer_view
from agent.views import status as status_view

_FAULTS: Final = 20
_LOG_LINES: Final = 5_000
_LOG_WITHIN_S: Final = 30
_JOURNAL: Final = ("journalctl", "--unit", "aqua-gateway", "--no-pager", "--output", "short-iso", "--lines")


@dataclass(frozen=True, slots=True)
class Part:
    """`name` of the file, what it is, and the function that makes its text, or its document for JSON. That raises
    AquaError to say why there is none.
    """

    name: str
    what: str
    make: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Configuration:
    """The file as it is: `document` is empty if it is no TOML; `gateway` is None if it has the `mistakes`."""

    path: Path
    document: Mapping[str, Any]
    gateway: Gateway | None
    mistakes: str | None

    @classmethod
    def read(cls, path: Path) -> "Configuration":
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            document = {}
        try:
            return cls(path, document, load(path), None)
        except ConfigError as error:
            return cls(path, document, None, str(error))

    def secrets(self) -> list[str]:
        """Every one that can be found, also in the environment."""
        return [
            *secrets_in(self.document),
            *secrets_in(_environment()),
            *secrets_of(self.document, self.path.parent),
        ]

    def right(self) -> Gateway:
        """Raises AquaError."""
        if self.gateway is None:
            raise AquaError("the configuration is wrong: see configuration-mistakes.txt")
        return self.gateway


def parts(configuration: Configuration) -> Iterator[Part]:
    """Of the gateway that is configured there, whether it runs or not."""

    def status() -> Mapping[str, Any]:
        return status_view.facts(configuration.right(), datetime.now(UTC))

    def metrics() -> str:
        seen = status()["metrics"]
        if seen is None or "unanswered" in seen:
            raise AquaError("the gateway does not run" if seen is None else seen["unanswered"])
        return exposition(seen)

    yield Part("versions.json", "the gateway, its libraries, the machine", _versions)
    yield Part("configuration.json", "gateway.toml without secrets", lambda: _configuration(configuration))
    if configuration.mistakes:
        yield Part("configuration-mistakes.txt", "what is wrong with it", lambda: configuration.mistakes)
    yield Part("environment.json", "settings from the environment, without secrets", _environment)
    yield Part("status.json", "what `status --json` shows", status)
    yield Part("metrics.txt", "what `metrics` shows", metrics)
    yield Part("buffer.json", "what `buffer status --json` shows", lambda: _buffer(configuration.right()))
    yield Part("files.txt", "names, sizes and modes of the gateway's files", lambda: _files(configuration))
    yield Part("log.txt", f"the last {_LOG_LINES:,} lines of the log", _log)
    if configuration.gateway is not None:
        for file in fault_files(configuration.gateway.faults_dir)[-_FAULTS:]:
            yield Part(f"faults/{file.name}", "frames that went before a fault", _reading(file))


def _configuration(configuration: Configuration) -> Mapping[str, Any]:
    if not configuration.document:
        raise AquaError(f"{configuration.path} cannot be read as TOML, so its secrets cannot be told from the rest")
    return configuration.document


def _environment() -> Mapping[str, str]:
    return {name: value for name, value in sorted(os.environ.items()) if name.startswith("AQUA_")}


def _versions() -> dict[str, Any]:
    model = Path("/proc/device-tree/model")
    return {
        "python": sys.version,
        "system": " ".join(platform.uname()),
        "distribution": platform.freedesktop_os_release().get("PRETTY_NAME"),
        "model": model.read_text().strip("\0") if model.exists() else None,
        "packages": {found.name: found.version for found in sorted(distributions(), key=lambda found: found.name)},
    }


def _buffer(gateway: Gateway) -> Mapping[str, Any]:
    with closing(Reader(gateway.store.path)) as reader:
        return buffer_view.facts(gateway, reader)


def _files(configuration: Configuration) -> str:
    folders = [configuration.path.parent]
    if configuration.gateway is not None:
        folders += [configuration.gateway.state_dir, configuration.gateway.runtime_dir]
    lines = []
    for folder in dict.fromkeys(folders):
        for path in sorted([folder, *folder.glob("*")]):
            seen = path.lstat()
            when = datetime.fromtimestamp(seen.st_mtime, UTC)
            lines.append(
                f"{stat.filemode(seen.st_mode)} {seen.st_uid}:{seen.st_gid} {seen.st_size:>12} {when:%F %T} {path}"
            )
    return "\n".join(lines) + "\n"


def _log() -> str:
    command = [*_JOURNAL, str(_LOG_LINES)]
    try:
        done = subprocess.run(  # noqa: S603
            command, check=False, capture_output=True, text=True, errors="replace", timeout=_LOG_WITHIN_S
        )
    except subprocess.TimeoutExpired:
        raise AquaError(f"journalctl did not answer within {_LOG_WITHIN_S} s") from None
    if done.returncode:
        raise AquaError(f"journalctl failed: {done.stderr.strip()}")
    return done.stdout + done.stderr


def _reading(file: Path) -> Callable[[], str]:
    return lambda: file.read_text(encoding="utf-8", errors="replace")
