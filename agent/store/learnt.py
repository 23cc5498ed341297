"""What the checks have learnt, written down with the number of the reading they learnt last.

A start goes on from there with the readings stored since. It is never needed: whatever is amiss with it, the checks
learn the last day's readings again. So it has no second copy and is not salvaged from a damaged file.
"""

import json
import logging
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from agent.domain.clock import Instant
from agent.domain.farm import Sensor
from agent.store.checksum import checksum, is_whole
from agent.store.places import Places
from agent.store.ring_buffer import RingBuffer
from agent.store.timeline import Timeline

log = logging.getLogger(__name__)

_LONG_S = 86_400.0


class Learnt(NamedTuple):
    """What one check of a sensor has learnt: its `state`, of use to a check of the same `basis` alone."""

    sensor: Sensor
    name: str
    basis: str
    state: Mapping[str, Any]


class Known(NamedTuple):
    """What all had learnt from the readings up to number `upto`: basis and state by sensor and check. Its times are the
    present boot clock's and `offset_ms`. Where nobody knows when that was, or how long ago the newest reading, it is
    not `dated`; in the first case it is put before this boot by more than any silence that a check looks across.
    """

    upto: int
    offset_ms: int
    learnt: Mapping[UUID, Mapping[str, tuple[str, Mapping[str, Any]]]]
    dated: bool = True


class LearntTable:
    """Works inside its caller's transactions."""

    def __init__(self, connection: sqlite3.Connection, places: Places, timeline: Timeline, ring: RingBuffer) -> None:
        self._connection = connection
        self._places = places
        self._timeline = timeline
        self._ring = ring

    def keep(self, states: Sequence[tuple[Learnt, str]], offset_ms: int, at: Instant) -> None:
        """In place of what was there: each with its state as JSON, learnt from all readings there are, the last one
        measured `at` that moment.
        """
        row_of, moment = self._places.row_of, (self._timeline.segment_of(at), at.boot_ms, offset_ms)
        rows = [(row_of(one.sensor), one.name, one.basis, self._ring.last_seq, *moment, state) for one, state in states]
        self._connection.execute("DELETE FROM learnt")
        self._connection.executemany(
            "INSERT INTO learnt VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", [(*row, checksum("learnt", row)) for row in rows]
        )

    def known(self, now: Instant, memory_s: float) -> Known | None:
        """None if there is nothing, readings of more than `memory_s` seconds came after it, or some of those are gone:
        then the stored ones tell more.
        """
        rows = self._connection.execute("SELECT * FROM learnt").fetchall()
        whole = [row[:-1] for row in rows if is_whole("learnt", row)]
        if len(whole) < len(rows):
            log.warning("%d rows of what checks had learnt are damaged: they learn again", len(rows) - len(whole))
        newest = max(whole, key=lambda row: row[3], default=None)
        if newest is None:
            return None
        upto, segment, boot_ms, offset_ms = newest[3:7]
        if segment not in self._timeline or self._is_gone(upto):
            return None
        began_s, ended_s = self._timeline.began_s(segment, now), self._newest_s(now)
        dated = began_s is not None and ended_s is not None
        if began_s is None:
            began_s = -_LONG_S - boot_ms / 1000
        at_s = began_s + boot_ms / 1000
        if at_s > now.boot_s or (dated and ended_s is not None and ended_s - at_s > memory_s):
            return None
        ask = "SELECT id, sensor_id FROM sensors WHERE sensor_id <> ''"
        sensors = {row: UUID(sensor_id) for row, sensor_id in self._connection.execute(ask)}
        learnt: dict[UUID, dict[str, tuple[str, Mapping[str, Any]]]] = {}
        for sensor, name, basis, seq, _, _, _, state in whole:
            if seq == upto and sensor in sensors:
                learnt.setdefault(sensors[sensor], {})[name] = (basis, _state(state))
        return Known(upto, offset_ms - round(began_s * 1000), learnt, dated)

    def _newest_s(self, now: Instant) -> float | None:
        """When the newest reading was measured, on the present boot clock."""
        for _, _, segment, boot_ms, *_ in self._ring.rows(self._ring.last_seq - 1, self._ring.last_seq, 1):
            began_s = self._timeline.began_s(segment, now)
            return None if began_s is None else began_s + boot_ms / 1000
        return None

    def _is_gone(self, upto: int) -> bool:
        """Whether some of the readings after that one are there no more, or none of them was ever there."""
        oldest = self._ring.oldest_seq()
        return oldest is None or oldest > upto + 1 or upto > self._ring.last_seq


def _state(text: str) -> Mapping[str, Any]:
    try:
        state = json.loads(text, parse_constant=_infinite)
    except ValueError as error:
        log.warning("What a check had learnt cannot be read: %s", error)
        return {}
    return state if isinstance(state, dict) else {}


def _infinite(name: str) -> float:
    if name == "NaN":
        raise ValueError("NaN is no number")
    return float(name)
