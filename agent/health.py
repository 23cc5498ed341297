"""How the gateway itself is: a small file, written anew every few seconds, that `aqua-gateway status` reads.

What it holds is only what the ring buffer cannot tell: the state of ports, probes, broker, store and sinks. Put
`runtime_dir` on a RAM disk (systemd's RuntimeDirectory) and it costs the card nothing.
"""

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.domain.clock import Clock

log = logging.getLogger(__name__)

WRITTEN_EVERY_S = 2.0


class StatusFile:
    """Writes what `look` returns to `path`; readers never see half a file."""

    def __init__(self, path: Path, look: Callable[[], dict[str, Any]], clock: Clock) -> None:
        self._path = path
        self._look = look
        self._clock = clock
        self._trouble: str | None = None

    async def run(self) -> None:
        """Ends by cancellation."""
        while True:
            self.write("running")
            await self._clock.sleep(WRITTEN_EVERY_S)

    def write(self, state: str) -> None:
        """That it cannot be written keeps nobody from running: the failure is logged once."""
        at = self._clock.now()
        status = {
            "state": state,
            "pid": os.getpid(),
            "written_us": at.utc_us,
            "clock_trusted": at.trusted,
            **self._look(),
        }
        try:
            self._replace(json.dumps(status, ensure_ascii=False))
        except OSError as error:
            if self._trouble != str(error):
                log.error("The status file cannot be written: %s", error)
            self._trouble = str(error)
        else:
            self._trouble = None

    def _replace(self, text: str) -> None:
        draft = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(text, encoding="utf-8")
        except OSError:
            # A full disk has no room for a draft, but the file itself can be written over: now it has news to tell.
            draft.unlink(missing_ok=True)
            self._path.write_text(text, encoding="utf-8")
        else:
            draft.replace(self._path)


def read_status(path: Path) -> dict[str, Any] | None:
    """What the gateway last said of itself, or None if it never ran here.

    `state` is "running" only while that process is alive; "dead" means that it ended without a word, "unreadable" that
    half of the file is written.
    """
    if not path.exists():
        return None
    try:
        status: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {"state": "unreadable"}
    if status["state"] == "running" and not Path(f"/proc/{status['pid']}").exists():
        status["state"] = "dead"
    return status
