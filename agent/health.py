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
SILENT_AFTER_S = 15.0


class StatusFile:
    """Writes what `look` returns to `path`; readers can see half a file only while the disk is too full for a draft."""

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
            self._replace(json.dumps(status))  # in ASCII: what a sink says may be no valid Unicode
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


def read_status(path: Path, now_us: int) -> dict[str, Any] | None:
    """What the gateway last said of itself, or None if there is no word of it.

    `state` is "running" only if the gateway said so lately. It is "dead" when its process ended without a word,
    "silent" when it is there but has said nothing for `SILENT_AFTER_S`, and "unreadable" when that is no status file.
    """
    try:
        status = json.loads(path.read_text(encoding="utf-8"))
        running, silent_us = status["state"] == "running", now_us - status["written_us"]
        alive = Path(f"/proc/{status['pid']}").exists()
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError):
        return {"state": "unreadable"}
    if running and not alive:
        status["state"] = "dead"
    elif running and silent_us > SILENT_AFTER_S * 1e6:
        status["state"] = "silent"
    return dict(status)
