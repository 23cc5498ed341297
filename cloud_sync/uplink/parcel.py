"""Batches on their way to another process: readings as few and plain objects, since pickle takes four times as long for
what they are made of.
"""

import pickle
from collections.abc import Sequence
from typing import Any, BinaryIO

from agent.domain.farm import Sensor
from agent.domain.reading import CheckedReading, Reading, StoredReading
from cloud_sync.contract.reading_body import ReadingBody
from cloud_sync.contract.record import Record
from cloud_sync.contract.records import reading_record

_made = tuple.__new__
"""A named tuple of all its fields in order: its own constructor takes twice as long."""


class Wrapping:
    """Of one process for one other. A sensor goes over once, and is a number from then on."""

    def __init__(self) -> None:
        self._numbers: dict[Sensor, int] = {}

    def __call__(self, batch: Sequence[Record]) -> bytes:
        if not all(type(record.body) is ReadingBody and record.body.stored.seq == record.seq for record in batch):
            return pickle.dumps((None, [], [tuple(record) for record in batch]), 5)
        numbers, new, rows = self._numbers, [], []
        bodies: Sequence[Any] = [record.body for record in batch]
        for body in bodies:
            seq, ((sensor, at, value, missing, garbled), flag, quality, tests, because), epoch = body.stored
            number = numbers.get(sensor)
            if number is None:
                number = numbers[sensor] = len(numbers)
                new.append(sensor)
            rows.append((seq, number, at, value, missing, garbled, flag, quality, tests, because, epoch))
        return pickle.dumps((bodies[0].gateway, new, rows), 5)


class Unwrapping:
    """The other process's side."""

    def __init__(self) -> None:
        self._sensors: list[Sensor] = []

    def __call__(self, source: BinaryIO) -> list[Record]:
        """The next batch. Raises EOFError or UnpicklingError where it ends, perhaps in the midst of one."""
        gateway, new, rows = pickle.load(source)  # noqa: S301 - from our own parent
        if gateway is None:
            return [_made(Record, fields) for fields in rows]
        sensors = self._sensors
        sensors += new
        batch = []
        for seq, number, at, value, missing, garbled, flag, quality, tests, because, epoch in rows:
            reading = _made(Reading, (sensors[number], at, value, missing, garbled))
            checked = _made(CheckedReading, (reading, flag, quality, tests, because))
            batch.append(reading_record(_made(StoredReading, (seq, checked, epoch)), gateway))
        return batch
