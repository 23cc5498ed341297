"""What was learnt of probes since their calibration, so that a restart does not forget it: `probe-health.json`.

If the file is lost or makes no sense, it is learnt anew.
"""

import json
import logging
import os
from dataclasses import asdict
from pathlib import Path
from uuid import UUID

from agent.domain.clock import Instant
from agent.scores.since_calibration import SinceCalibration

log = logging.getLogger(__name__)


class ProbeMemory:
    """By sensor; a new one is known from `at` on. What is still to come is not believed, and forgotten if the clock can
    be: after a start without a time server it is the clock that is wrong.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written = ""
        self._known = self._read()

    def of(self, sensor: UUID, at: Instant) -> SinceCalibration:
        known = self._known.get(sensor)
        if known is not None and max(known.since_us, known.upto_us) <= at.utc_us:
            return known
        fresh = SinceCalibration(at.utc_us, at.utc_us)
        if known is None or at.trusted:
            self._known[sensor] = fresh
        return fresh

    def keep(self) -> None:
        """Write what has changed. That it cannot be written is logged: it is learnt again after a restart."""
        text = json.dumps({str(sensor): asdict(one) for sensor, one in self._known.items()})
        if text == self._written:
            return
        draft = self._path.with_suffix(".new")
        try:
            with draft.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as error:
            log.warning("%s cannot be written: %s", self._path, error.strerror)
        else:
            self._written = text

    def _read(self) -> dict[UUID, SinceCalibration]:
        try:
            text = self._path.read_text(encoding="utf-8")
            return {UUID(sensor): SinceCalibration(**one) for sensor, one in json.loads(text).items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            log.warning("%s cannot be used (%s): probes are learnt anew", self._path, error)
            return {}
