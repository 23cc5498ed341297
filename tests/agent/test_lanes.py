"""Two lanes: the newest go first, and the backlog loses nothing by it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.domain.errors import StoreError
from agent.store.lanes import LIVE_S
from agent.store.tables import Tables
from agent.store.writer import Writer
from tests.agent.farm import several
from tests.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(boot_s=0.0)


@pytest.fixture
def writer(tmp_path: Path, clock: FakeClock) -> Iterator[Writer]:
    writer = Writer(tmp_path / "ring-buffer.sqlite", 8_000_000, ["cloud"], clock.now)
    yield writer
    writer.close()


def measured(writer: Writer, clock: FakeClock, first: int, last: int) -> None:
    """One reading a second, each with its second as its number and value."""
    writer.write(several(first, last - first + 1), [], [])
    clock.advance(last - clock.boot)


def taken(writer: Writer, lane: str, limit: int = 1000) -> tuple[int, list[int]]:
    found = writer.take("cloud", lane, limit, 0, False)
    return found.after, [entry.seq for entry in found.entries]


def test_a_sink_that_keeps_up_has_no_backlog(writer: Writer, clock: FakeClock) -> None:
    for second in range(1, 1000, 10):
        measured(writer, clock, second, second + 9)
        assert taken(writer, "backlog")[1] == []
        after, seqs = taken(writer, "live")
        assert (after, seqs) == (second - 1, list(range(second, second + 10)))
        writer.settle("cloud", "live", after, seqs[-1], [])


def test_after_an_outage_the_newest_go_first_and_the_rest_in_order(writer: Writer, clock: FakeClock) -> None:
    measured(writer, clock, 1, 1000)
    edge = round(1000 - LIVE_S)
    after, seqs = taken(writer, "live")
    assert (after, seqs) == (edge - 1, list(range(edge, 1001)))
    writer.settle("cloud", "live", after, 1000, [])
    after, seqs = taken(writer, "backlog", 300)
    assert (after, seqs) == (0, list(range(1, 301)))
    writer.settle("cloud", "backlog", 0, 300, [])
    measured(writer, clock, 1001, 1010)
    assert taken(writer, "live") == (1000, list(range(1001, 1011)))
    assert taken(writer, "backlog") == (300, list(range(301, edge)))
    writer.settle("cloud", "backlog", 300, edge - 1, [])
    assert taken(writer, "backlog")[1] == []
    assert taken(writer, "live") == (1000, list(range(1001, 1011))), "the lanes have met"


def test_a_second_outage_leaves_a_second_stretch(writer: Writer, clock: FakeClock) -> None:
    measured(writer, clock, 1, 1000)
    writer.settle("cloud", "live", taken(writer, "live")[0], 1000, [])
    measured(writer, clock, 1001, 2000)
    writer.settle("cloud", "live", taken(writer, "live")[0], 2000, [])
    waiting = []
    while seqs := taken(writer, "backlog", 100)[1]:
        waiting += seqs
        writer.settle("cloud", "backlog", taken(writer, "backlog")[0], seqs[-1], [])
    young = [*range(round(1000 - LIVE_S), 1001), *range(round(2000 - LIVE_S), 2001)]
    assert waiting == [n for n in range(1, 2001) if n not in young]
    assert taken(writer, "live")[1] == []


def test_many_outages_are_kept_apart_only_so_far(writer: Writer, clock: FakeClock) -> None:
    """However often the link comes and goes, there are few stretches to remember and nothing is lost."""
    done: set[int] = set()
    for last in range(1000, 31_000, 1000):
        measured(writer, clock, last - 999, last)
        after, seqs = taken(writer, "live", 50)
        writer.settle("cloud", "live", after, seqs[-1], [])
        assert not done & set(seqs)
        done |= set(seqs)
        writer.flush()
        tables = writer._transactions.tables
        assert tables is not None and len(tables.cursors.ahead("cloud")) <= 8
    for lane in ("backlog", "live"):
        while seqs := taken(writer, lane)[1]:
            writer.settle("cloud", lane, taken(writer, lane)[0], seqs[-1], [])
            assert not done & set(seqs)
            done |= set(seqs)
    for lane in ("backlog", "live"):
        while seqs := taken(writer, lane)[1]:
            writer.settle("cloud", lane, taken(writer, lane)[0], seqs[-1], [])
            done |= set(seqs)
    assert done == set(range(1, 30_001))


def test_what_was_settled_survives_only_with_a_commit(tmp_path: Path, writer: Writer, clock: FakeClock) -> None:
    measured(writer, clock, 1, 100)
    writer.settle("cloud", "live", 0, 60, [])
    assert taken(writer, "live")[0] == 60
    writer.close()
    assert taken(writer, "live")[0] == 0, "it is sent again"
    writer.settle("cloud", "live", 0, 60, [])
    measured(writer, clock, 101, 102)
    writer.close()
    assert taken(writer, "live") == (60, list(range(61, 103)))


def test_a_commit_that_failed_and_yet_reached_the_disk_is_not_repeated(
    tmp_path: Path, writer: Writer, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured(writer, clock, 1, 10)
    within = writer._within

    def fsync_fails(work: Callable[[Tables], Any], durable: bool = True) -> Any:
        result: Any = within(work, durable)
        if writer._promised:
            monkeypatch.setattr(writer, "_within", within)
            writer.close()
            raise StoreError("disk I/O error")
        return result

    monkeypatch.setattr(writer, "_within", fsync_fails)
    batch = several(11, 10)
    with pytest.raises(StoreError):
        writer.write(batch, [], [])
    writer.write(batch, [], [])
    assert taken(writer, "live")[1] == list(range(1, 21))
    writer.write(several(21, 1), [], [])
    assert taken(writer, "live")[1] == list(range(1, 22))
