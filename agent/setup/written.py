"""Putting a first gateway.toml in its place: whole, right, and never over another one unasked."""

import os
from pathlib import Path

from agent import config
from agent.config import ConfigError
from agent.config.example import example
from agent.domain.errors import AquaError


def is_anothers(path: Path) -> bool:
    """Whether somebody has made that file his own: it is there, and not just the example of the installation."""
    try:
        return path.read_bytes() not in (example(True).encode(), example(False).encode())
    except OSError:
        return path.exists()


def must_be_writable(path: Path) -> None:
    """Asked before the questions. Raises AquaError."""
    if not path.parent.is_dir():
        raise AquaError(f"there is no folder {path.parent}: install the gateway, or name another file with --config")
    if not os.access(path.parent, os.W_OK):
        raise AquaError(f"{path} cannot be written: begin the command with sudo")


def write(path: Path, text: str) -> config.Gateway:
    """The gateway that the file describes. What was there stays as `….old`.

    Raises ConfigError when the loader refuses the text, and AquaError when the disk does; then nothing has changed.
    """
    new = path.with_name(f".{path.name}.new")
    try:
        _put(new, text, path)
        gateway = config.load(new)
        if path.exists():
            old = path.with_name(f"{path.name}.old")
            old.unlink(missing_ok=True)
            os.link(path, old)
        new.replace(path)
    except ConfigError as error:
        raise ConfigError(path, error.problems) from error
    except OSError as error:
        raise AquaError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        new.unlink(missing_ok=True)
    return gateway


def _put(new: Path, text: str, path: Path) -> None:
    """On the disk, readable for whom `path` was, or else for the group of its folder."""
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "w", encoding="utf-8") as file:
        if os.geteuid() == 0:
            like = path.stat() if path.exists() else path.parent.stat()
            os.fchown(file.fileno(), like.st_uid, like.st_gid)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
