"""What the table holds, against what the gateway stored and what the sondes served."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from tests.soak.counting_sondes import answer_and_channel

Row = tuple[int, str, str, float | None, int]
"""Sequence number, sensor id, time (ISO 8601, UTC), value, flag."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of `stored` readings so many are not in the table, there more than once, or there with anything else in them;
    `foreign` rows of the table were never stored. `unserved` values never left a sonde or belong to another sensor,
    `repeated` ones were stored before; `unread` answers of the sondes were never stored, in `stretches`.
    """

    stored: int
    lost: int
    doubled: int
    altered: int
    foreign: int
    unserved: int
    repeated: int
    unread: int
    stretches: int

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.altered or self.foreign or self.unserved or self.repeated)


def judge(stored: Iterable[Row], table: Iterable[Row], channels: Mapping[str, int]) -> Verdict:
    """Both by growing sequence number. `channels` says which channel of its sonde a sensor id is."""
    lost = doubled = altered = foreign = count = 0
    served = _Served(stored, channels)
    for mine, theirs in _side_by_side(served, table):
        if mine is None:
            foreign += len(theirs)
            continue
        count += 1
        if not theirs:
            lost += 1
        else:
            doubled += len(theirs) - 1
            altered += any(row != mine for row in theirs)
    return Verdict(
        count, lost, doubled, altered, foreign, served.unserved, served.repeated, served.unread, served.stretches
    )


class _Served:
    """Passes the rows on, and holds each value against the answers that its sonde must have given before."""

    def __init__(self, rows: Iterable[Row], channels: Mapping[str, int]) -> None:
        self._rows = rows
        self._channels = channels
        self._last: dict[str, int] = {}
        self.unserved = self.repeated = self.unread = self.stretches = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            if row[3] is not None:
                self._look(row[1], row[3])
            yield row

    def _look(self, sensor: str, value: float) -> None:
        try:
            answer, channel = answer_and_channel(value)
        except ValueError:
            self.unserved += 1
            return
        if channel != self._channels[sensor]:
            self.unserved += 1
        before = self._last.get(sensor, 0)
        if answer <= before:
            self.repeated += 1
        elif answer > before + 1:
            self.unread += answer - before - 1
            self.stretches += 1
        self._last[sensor] = max(answer, before)


def _side_by_side(stored: Iterable[Row], table: Iterable[Row]) -> Iterator[tuple[Row | None, list[Row]]]:
    """Each stored row with all rows of the table that have its number, and those of the table that have no other."""
    theirs = _grouped(table)
    group: list[Row] = next(theirs, [])
    for mine in stored:
        while group and group[0][0] < mine[0]:
            yield None, group
            group = next(theirs, [])
        if group and group[0][0] == mine[0]:
            yield mine, group
            group = next(theirs, [])
        else:
            yield mine, []
    while group:
        yield None, group
        group = next(theirs, [])


def _grouped(rows: Iterable[Row]) -> Iterator[list[Row]]:
    return (list(group) for _, group in groupby(rows, key=itemgetter(0)))
