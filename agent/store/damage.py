"""Rows whose checksum is wrong: taken out, kept for inspection, counted in a gap for every sink that lacked them."""

import json
import logging
import sqlite3
from collections.abc import Sequence

from agent.domain.reading import Gap
from agent.store.checksum import is_whole
from agent.store.cursors import Cursors
from agent.store.dead_letters import DeadLetters
from agent.store.gaps import Gaps
from agent.store.ring_buffer import RingBuffer, Row

log = logging.getLogger(__name__)

BECAUSE = "its checksum is wrong: the disk or the memory changed a bit of it"


class Damage:
    """Works inside its caller's transactions."""

    def __init__(
        self, connection: sqlite3.Connection, ring: RingBuffer, cursors: Cursors, gaps: Gaps, letters: DeadLetters
    ) -> None:
        self._connection = connection
        self._ring = ring
        self._cursors = cursors
        self._gaps = gaps
        self._letters = letters

    def take_out(self, rows: Sequence[Row]) -> None:
        """Every damaged one of these neighbouring rows; its time is that of its whole neighbours."""
        times = [self._ring.time_us(row) for row in rows if is_whole("readings", row)]
        for row in rows:
            if is_whole("readings", row):
                continue
            seq = row[0]
            log.error("reading %d in the ring buffer is damaged and is not delivered: %s", seq, BECAUSE)
            self._letters.keep("", "readings", seq, BECAUSE, json.dumps(row))
            for sink in self._cursors.sinks():
                if self._lacks(sink, seq):
                    around = (min(times, default=0), max(times, default=0))
                    self._gaps.add(Gap(0, sink, seq, seq, *around, 1, BECAUSE))
            self._connection.execute("DELETE FROM readings WHERE seq = ?", (seq,))

    def _lacks(self, sink: str, seq: int) -> bool:
        ahead = self._cursors.ahead(sink)
        return seq > self._cursors.seq(sink, "readings") and not any(after < seq <= upto for after, upto in ahead)
