"""What is remembered after a restart: of this boot always, of an earlier one only where both clocks were right."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from agent.domain.alarm import AlarmKind
from agent.domain.clock import Instant
from agent.domain.equipment import bus_named
from agent.domain.reading import CheckedReading, Flag
from agent.store.memory import Remembered
from agent.store.writer import Writer
from tests.agent.farm import BOOT, NOON_US, OXYGEN, WARMTH, alarm, at, change, checked
from tests.clock import FakeClock

HOUR_S, DAY_S = 3600.0, 86_400.0
EARLIER = "00000000-0000-4000-8000-000000000002"


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    writer = Writer(tmp_path / "ring-buffer.sqlite", 50_000_000, [], FakeClock().now)
    yield writer
    writer.close()


def recall(writer: Writer, boot_s: float, trusted: bool = True, utc_us: int | None = None) -> Sequence[Remembered]:
    """The last hour."""
    memory: list[Remembered] = []
    writer.recall(at(boot_s, utc_us, trusted=trusted), HOUR_S, memory.append)
    return memory


def test_the_time_that_is_asked_for_comes_as_it_was(writer: Writer) -> None:
    written = [checked(n * 60.0, n % 7 / 2, Flag.SUSPECT if n % 5 == 0 else Flag.GOOD) for n in range(30 * 60)]
    writer.write(written, [], [])
    memory = recall(writer, 29 * HOUR_S + 3599.0)
    assert [(past.at_s, past.value, past.quality) for past in memory] == [
        (one.reading.at.boot_s, one.reading.value, one.quality) for one in written[29 * 60 :]
    ]


def test_equipment_has_no_sensor_and_is_no_hindrance(writer: Writer) -> None:
    line = replace(alarm(AlarmKind.BUS_DOWN, None, 0.0, 0.0, 0.0), source=bus_named("rs485"))
    writer.write([checked(0, 8.0)], [change(1, which=line)], [])
    assert [past.value for past in recall(writer, 10.0)] == [8.0]


def test_what_was_no_measurement_is_told_as_such(writer: Writer) -> None:
    outside = CheckedReading(checked(3, 1e9).reading, Flag.FAIL, 0.0, "42222", "gross_range: outside")
    stuck = CheckedReading(checked(4, 8.0).reading, Flag.FAIL, 0.1, "11142", "flat_line: has not moved")
    writer.write([checked(1, 7.0), checked(2, None), outside, stuck], [], [])
    assert [(past.value, past.quality, past.flag) for past in recall(writer, 10.0)] == [
        (7.0, 1.0, Flag.GOOD), (None, 0.0, Flag.MISSING), (1e9, 0.0, Flag.FAIL), (8.0, 0.1, Flag.FAIL),
    ]  # fmt: skip


@pytest.mark.parametrize(("then", "now", "expected"), [(True, True, [-90.0]), (True, False, []), (False, True, [])])
def test_an_earlier_boot_counts_only_if_both_clocks_were_right(
    writer: Writer, then: bool, now: bool, expected: list[float]
) -> None:
    moment = at(5_000.0, NOON_US - 100_000_000, EARLIER, then)
    writer.write([checked(0, 8.0, moment=moment)], [], [])
    assert [past.at_s for past in recall(writer, 10.0, now, NOON_US)] == expected


@pytest.mark.parametrize("trusted", [True, False])
def test_this_boot_is_placed_by_boot_time_alone(writer: Writer, trusted: bool) -> None:
    writer.write([checked(0, 8.0, moment=at(70.0, NOON_US, trusted=trusted))], [], [])
    assert [past.at_s for past in recall(writer, 100.0, trusted, NOON_US + 5)] == [70.0]


def test_a_clock_that_stepped_back_does_not_bring_the_whole_store_in(writer: Writer) -> None:
    a_year = 365 * 86_400_000_000
    far = [checked(0, 1.0, moment=at(n, NOON_US + a_year + n, EARLIER)) for n in range(1000)]
    writer.write([*far, checked(50, 8.0)], [], [])
    assert [past.value for past in recall(writer, 60.0)] == [8.0]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 100, 101])
def test_the_first_row_of_the_hour_is_found_in_any_number_of_rows(writer: Writer, count: int) -> None:
    old = [checked(n * 100.0, 1.0, sensor=WARMTH) for n in range(count)]
    new = [checked(2 * DAY_S + n, 2.0, sensor=OXYGEN) for n in range(count)]
    writer.write(old + new, [], [])
    memory = recall(writer, 2 * DAY_S + 200)
    assert [past.value for past in memory] == [2.0] * count
    assert {past.sensor_id for past in memory} <= {OXYGEN.sensor_id}


@pytest.mark.parametrize("boot_id", [BOOT, EARLIER])
def test_a_boot_in_1970_reads_back_its_own_hour_and_nothing_older(writer: Writer, boot_id: str) -> None:
    """Wall time would make everything stored before look like the future."""
    stamps = [at(n * 60.0, n * 60_000_000, trusted=False) for n in range(300)]
    writer.write([checked(n * 60.0, 8.0, moment=moment) for n, moment in enumerate(stamps)], [], [])
    memory: list[Remembered] = []
    writer.recall(Instant(300 * 60_000_000, 300 * 60.0, boot_id, False), HOUR_S, memory.append)
    assert len(memory) == (60 if boot_id == BOOT else 0)
