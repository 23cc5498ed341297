"""The anomalies that a gateway found, for `sensor-anomalies`: they come with a reading, in what each check said of it.

So nothing can be lost between the two, a metered link carries nothing twice, and whoever has the reading can make them:
the ingestion for the topic, the sink `timescale` for its database.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from cloud_sync.contract.record import Record
from cloud_sync.contract.topics import SENSOR_ANOMALIES

Body = Mapping[str, Any]

CHECKS: Final = {
    "z_score": (4, "further than the gateway's threshold of standard deviations from the mean of 24 hours"),
    "anomaly": (6, "further off than this sensor's values ever are, or the same for longer than ever"),
    "pair_drift": (13, "drifts away from the tank's second probe of its kind"),
}
"""The place of each one's flag in a reading's `tests`, and what it says where the reading has no words of its own."""

_SUSPECT: Final = ("3", "4")


def anomalies(readings: Iterable[Body]) -> Iterator[Body]:
    """One for each of the `CHECKS` that suspects a reading, known by sensor, time and detector, so that making it twice
    is harmless. The score and what it was held against stay on the gateway: null.
    """
    for reading in readings:
        for check in _suspecting(reading["metadata"]["tests"]):
            if reading["value"] is not None:
                yield _anomaly(reading, check)


# Nearly all readings have one of a few texts, and all of them pass here.
@lru_cache(maxsize=4096)
def _suspecting(tests: str) -> tuple[str, ...]:
    return tuple(check for check, (place, _) in CHECKS.items() if tests[place : place + 1] in _SUSPECT)


def record_of(anomaly: Body, time_us: int) -> Record:
    """Keyed by sensor; `time_us` is its time in UTC microseconds."""
    return Record(anomaly["metadata"]["sequence"] or 0, SENSOR_ANOMALIES, anomaly["sensor_id"], time_us, anomaly)


def _anomaly(reading: Body, check: str) -> Body:
    origin, (_, words) = reading["metadata"], CHECKS[check]
    said = [part for part in (origin["reason"] or "").split("; ") if part.startswith(f"{check}: ")]
    return {
        **{name: reading[name] for name in ("time", "sensor_id", "tank_id", "sensor_type", "value")},
        "detector": f"gateway:{check}",
        "score": None,
        "threshold": None,
        "expected_mean": None,
        "expected_stddev": None,
        "window_start": None,
        "window_end": None,
        "reason": said[0].removeprefix(f"{check}: ") if said else words,
        "metadata": {name: origin[name] for name in ("gateway", "unit", "epoch", "sequence")},
    }
