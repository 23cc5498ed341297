"""Files that are open to more people than they should be."""

import stat
from pathlib import Path

from agent.config.findings import shown
from agent.config.problems import Problem


def open_secret(key: str, value: str, path: Path) -> Problem | None:
    """A mistake if every user of this machine may read that file, or write it; what is not there is no mistake here."""
    mode = _mode(path)
    if not mode & (stat.S_IROTH | stat.S_IWOTH):
        return None
    can = "read" if mode & stat.S_IROTH else "write"
    remedy = f"chmod o= {path}, owned by the gateway's user; then change the secret, for others may know it"
    return Problem(key, value, f"{path} is a secret that every user of this machine can {can}", remedy)


def open_to_all(key: str, path: Path) -> Problem | None:
    """A mistake if every user of this machine may change that file or folder."""
    if not _mode(path) & stat.S_IWOTH:
        return None
    reason = "can be changed by every user of this machine"
    return Problem(key, shown(str(path)), reason, f"chmod o-w {path}")


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:
        return 0
