"""Numbers missing between readings: each needs a gap record for every sink that never got the reading.

A sink that is past a hole may have had the reading before it was taken out, if anything at all tells of that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.store.cursors import Stretch
from agent.store.inspection.reader import Reader


@dataclass(frozen=True, slots=True)
class Hole:
    """Readings `first` to `last` are gone, and nothing tells these `sinks`."""

    first: int
    last: int
    sinks: Sequence[str]


def unexplained(reader: Reader, missing: Sequence[Stretch]) -> list[Hole]:
    """Of the missing numbers (first to last, each), those that are between readings even now and that neither a gap
    record nor a row taken out explains.
    """
    oldest = reader.value("SELECT min(seq) FROM readings")
    holes = [(max(first, oldest), last) for first, last in missing if oldest is not None and last >= oldest]
    holes = [part for hole in holes for part in _without(hole, _held(reader, hole))]
    if not holes:
        return []
    told = _told(reader)
    lacking: dict[Stretch, list[str]] = {}
    for sink in [sink for (sink,) in reader.rows("SELECT sink FROM cursors WHERE stream = 'readings'")] or [""]:
        explained = _joined([*_gaps(reader, sink), *_common(_settled(reader, sink), told)]) if sink else told
        for hole in holes:
            for part in _without(hole, explained):
                lacking.setdefault(part, []).append(sink)
    return [Hole(first, last, [sink for sink in sinks if sink]) for (first, last), sinks in sorted(lacking.items())]


def _held(reader: Reader, hole: Stretch) -> list[Stretch]:
    """What has come back meanwhile, out of a damaged file."""
    ask = """SELECT min(seq), max(seq) FROM
             (SELECT seq, seq - row_number() OVER (ORDER BY seq) AS island FROM readings WHERE seq BETWEEN ? AND ?)
             GROUP BY island"""
    return _stretches(reader, ask, *hole)


def _told(reader: Reader) -> list[Stretch]:
    """Everything that some record says is gone."""
    taken_out = "SELECT seq, seq FROM dead_letters WHERE sink = '' AND stream = 'readings'"
    return _stretches(reader, f"SELECT first_seq, last_seq FROM gaps UNION ALL {taken_out}")


def _gaps(reader: Reader, sink: str) -> list[Stretch]:
    return _stretches(reader, "SELECT first_seq, last_seq FROM gaps WHERE sink = ?", sink)


def _settled(reader: Reader, sink: str) -> list[Stretch]:
    ask = """SELECT 0, seq FROM cursors WHERE sink = ?1 AND stream = 'readings'
             UNION ALL SELECT after_seq + 1, upto_seq FROM ahead WHERE sink = ?1"""
    return _stretches(reader, ask, sink)


def _stretches(reader: Reader, ask: str, *values: object) -> list[Stretch]:
    return _joined((first, last) for first, last in reader.rows(ask, *values))


def _joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """In order; those that touch made one."""
    joined: list[Stretch] = []
    for first, last in sorted(stretches):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def _common(some: Sequence[Stretch], others: Sequence[Stretch]) -> list[Stretch]:
    """What is in both."""
    both = [(max(a, first), min(b, last)) for a, b in some for first, last in others]
    return [(first, last) for first, last in both if first <= last]


def _without(hole: Stretch, explained: Sequence[Stretch]) -> list[Stretch]:
    """The parts of the hole that are not in any of the explained stretches, which are in order and do not touch."""
    parts, first = [], hole[0]
    for begin, end in explained:
        if end < first or begin > hole[1]:
            continue
        if begin > first:
            parts.append((first, begin - 1))
        first = end + 1
    return [*parts, (first, hole[1])] if first <= hole[1] else parts
