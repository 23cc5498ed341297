"""A gateway without a battery-backed clock, from the pipeline to what a sink takes: whatever its wall clock shows, it
raises no alarm and holds none back, changes no order, and gives no reading a second identity.
"""

import time
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from agent.checks import CHECKS
from agent.checks.defaults import limits_for
from agent.checks.sensor_checks import SensorChecks
from agent.domain.alarm import AlarmChange
from agent.domain.clock import Instant
from agent.domain.reading import Flag, Reading, StoredReading
from agent.pipeline import Pipeline
from agent.store.store import Store, StoreSettings
from cloud_sync.uplink.interfaces import Entry, Lane
from tests.agent.farm import NO_DATA, NOON_US, OXYGEN, alarm
from tests.clock import FakeClock

MINUTE_S, HOUR_S, DAY_S, YEAR_S = 60, 3_600, 86_400, 365 * 86_400
EVERY_S = 5.0
IN_1970_US = 12_000_000
BERLIN_TURNS_BACK_US = 1_824_944_400_000_000  # 2027-10-31T01:00:00Z
SINK = "archive"
LOW = alarm(on_delay_s=10, off_delay_s=20)


class House:
    """The gateway between probes and sinks; `delivered` is what its sink has had, in the order of the numbers."""

    def __init__(self, path: Path) -> None:
        self.clock = FakeClock(NOON_US, boot_s=1000.0)
        self.told: list[AlarmChange] = []
        self.measured: list[float] = []
        self.delivered: list[StoredReading] = []
        self._path = path

    async def open(self) -> None:
        self.store = Store(StoreSettings(self._path, 8), [SINK], self.clock)
        checks = {OXYGEN: SensorChecks(limits_for(OXYGEN.quantity))}
        self.pipeline = Pipeline(checks, [LOW, NO_DATA], keep=self.store.put, tell=self.told.extend)
        recalled = await self.store.recall(self.pipeline.memory_s, self.pipeline.remember)
        self.pipeline.resume(recalled.standing, self.clock.now())

    async def reboot(self, utc_us: int, off_s: float = 60.0) -> None:
        await self.store.close()
        self.clock.reboot(utc_us, off_s)
        await self.open()

    async def restart(self) -> None:
        await self.store.close()
        self.clock.advance(3)
        await self.open()

    async def measure(self, seconds: float, value: float = 8.0) -> None:
        """A reading every five seconds, each a little different, so that it is itself and no flat line."""
        for _ in range(round(seconds / EVERY_S)):
            self.measured.append(value + 0.0001 * len(self.measured))
            self.pipeline.take_in([Reading(OXYGEN, self.clock.now(), self.measured[-1])])
            self.clock.advance(EVERY_S)
        await self.store.commit()

    async def waiting(self, patient: bool = False) -> list[StoredReading]:
        """What the sink could have now, by both lanes."""
        readings: list[Entry] = []
        for lane in (Lane.BACKLOG, Lane.LIVE):
            readings += (await self.store.take(SINK, lane, 100_000, 0, patient)).entries
        return [entry for entry in readings if isinstance(entry, StoredReading)]

    async def deliver(self, patient: bool = False) -> list[Instant]:
        """Let the sink have all that; the times with which it went."""
        got = []
        for lane in (Lane.BACKLOG, Lane.LIVE):
            taken = await self.store.take(SINK, lane, 100_000, 0, patient)
            if taken.entries:
                await self.store.settle(SINK, lane, taken.after, taken.entries[-1].seq, ())
            got += [entry for entry in taken.entries if isinstance(entry, StoredReading)]
        self.delivered += got
        return times(got)

    async def alerts(self) -> list[AlarmChange]:
        """The alarms for a sink that waits as long as it may for the clock."""
        taken = await self.store.take(SINK, Lane.ALERTS, 100, 0, True)
        return [entry for entry in taken.entries if isinstance(entry, AlarmChange)]

    def agrees(self, holes: int = 0) -> None:
        """Every reading arrived once, as it was measured, in its order, under one identity; and nobody was woken. None
        is suspect but those after so many holes.
        """
        assert [one.checked.reading.value for one in self.delivered] == self.measured
        assert [one.seq for one in self.delivered] == list(range(1, len(self.measured) + 1))
        assert len(set(times(self.delivered))) == len(self.measured)
        assert len({at.utc_us for at in times(self.delivered)}) == len(self.measured)
        suspect = [str(one.checked.because) for one in self.delivered if one.checked.flag is not Flag.GOOD]
        assert len(suspect) == holes
        assert all(because.startswith("timing: nothing for") for because in suspect)
        assert not self.told


def times(readings: Sequence[StoredReading]) -> list[Instant]:
    return [one.checked.reading.at for one in readings]


def cadence(instants: Sequence[Instant]) -> set[int]:
    """The different steps of wall time from reading to reading, in seconds."""
    return {(later.utc_us - earlier.utc_us) // 1_000_000 for earlier, later in pairwise(instants)}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A gateway that has run and delivered for ten minutes with the right time."""
    house = House(tmp_path / "ring-buffer.sqlite")
    await house.open()
    await house.measure(10 * MINUTE_S)
    await house.deliver()
    yield house
    await house.store.close()


async def test_readings_of_1970_wait_for_the_clock_and_go_with_the_right_time(house: House) -> None:
    await house.reboot(IN_1970_US)
    began_us = house.clock.true_us
    await house.measure(5 * MINUTE_S)
    assert await house.waiting(patient=True) == []
    house.clock.synchronise()
    await house.measure(MINUTE_S)
    arrived = await house.deliver(patient=True)
    assert arrived[0].utc_us == began_us
    assert cadence(arrived) == {EVERY_S}
    assert all(at.trusted for at in arrived)
    assert [at.corrected for at in arrived] == [True] * 60 + [False] * 12
    house.agrees()


async def test_readings_that_wait_do_not_hold_up_those_before_them(house: House) -> None:
    await house.measure(MINUTE_S)
    await house.reboot(IN_1970_US)
    await house.measure(5 * MINUTE_S)
    assert len(await house.deliver(patient=True)) == 12
    assert await house.deliver(patient=True) == []
    house.clock.synchronise()
    await house.measure(EVERY_S)
    assert len(await house.deliver(patient=True)) == 61
    house.agrees()


async def test_readings_that_waited_long_enough_go_with_a_time_that_stays(house: House) -> None:
    last = times(house.delivered)[-1]
    await house.reboot(IN_1970_US)
    await house.measure(5 * MINUTE_S)
    bounded = times(await house.waiting())
    assert bounded[0].utc_us > last.utc_us
    assert cadence(bounded) == {EVERY_S}
    assert not any(at.trusted for at in bounded)
    await house.measure(MINUTE_S)
    house.clock.synchronise()
    await house.measure(MINUTE_S)
    await house.restart()
    arrived = await house.deliver(patient=True)
    assert arrived[:60] == bounded
    assert cadence(arrived[:72]) == {EVERY_S}, "until the clock was set it goes on as it was frozen"
    assert [at.trusted for at in arrived] == [False] * 72 + [True] * 12
    assert arrived[-1].utc_us == house.clock.true_us - 8_000_000
    house.agrees()


async def test_power_cuts_without_a_network_stay_in_order(house: House) -> None:
    for _ in range(4):
        await house.reboot(IN_1970_US)
        await house.measure(MINUTE_S)
    house.clock.synchronise()
    await house.measure(MINUTE_S)
    arrived = [at.utc_us for at in await house.deliver(patient=True)]
    assert arrived == sorted(arrived)
    house.agrees()


async def test_an_alarm_of_1970_is_told_and_sent_at_once(house: House) -> None:
    await house.reboot(IN_1970_US)
    await house.measure(30, value=8.0)
    await house.measure(30, value=5.8)
    assert [(change.alarm, change.standing.active) for change in house.told] == [(LOW, True)]
    (sent,) = await house.alerts()
    assert not sent.at.trusted
    assert sent.at.utc_us > times(house.delivered)[-1].utc_us
    house.clock.synchronise()
    await house.measure(30, value=5.8)
    assert [change.at for change in await house.alerts()] == [sent.at], "its time stays, whatever becomes known"
    raised = next(at for at in await house.deliver(patient=True) if at.boot_ms == sent.at.boot_ms)
    assert raised.corrected, "the reading that raised it had not been sent and is set right"
    assert len(house.told) == 1


async def test_an_alarm_stands_where_it_stood_after_a_start_in_1970(house: House) -> None:
    await house.measure(30, value=5.8)
    await house.reboot(IN_1970_US)
    await house.measure(MINUTE_S, value=5.8)
    assert [change.standing.active for change in house.told] == [True]
    await house.measure(MINUTE_S, value=8.0)
    assert [change.standing.active for change in house.told] == [True, False]
    sent = await house.alerts()
    assert [change.standing.active for change in sent] == [True, False]
    assert sent[0].seq < sent[1].seq
    assert sent[0].at.utc_us < sent[1].at.utc_us


@pytest.mark.parametrize("seconds", [3 * YEAR_S, HOUR_S, 2, -2, -HOUR_S - 0.123457, -3 * YEAR_S - 0.123457])
@pytest.mark.parametrize("synchronised", [True, False])
async def test_a_step_wakes_nobody_and_changes_no_order(house: House, seconds: float, synchronised: bool) -> None:
    house.clock.trusted = synchronised
    await house.measure(10 * MINUTE_S)
    house.clock.step(seconds)
    await house.measure(10 * MINUTE_S)
    await house.deliver()
    house.agrees()


async def test_a_step_neither_hastens_an_alarm_nor_holds_it_back(house: House) -> None:
    await house.measure(EVERY_S, value=5.8)
    house.clock.step(HOUR_S)
    await house.measure(EVERY_S, value=5.8)
    assert house.told == []
    house.clock.step(-DAY_S)
    await house.measure(EVERY_S, value=5.8)
    assert [change.standing.active for change in house.told] == [True]


async def test_a_step_of_a_clock_that_was_never_right_wakes_nobody(house: House) -> None:
    await house.reboot(IN_1970_US)
    await house.measure(MINUTE_S)
    house.clock.step(3 * YEAR_S)
    await house.measure(MINUTE_S)
    house.clock.step(-HOUR_S)
    await house.measure(MINUTE_S)
    assert cadence(await house.deliver()) == {EVERY_S}
    house.agrees()


async def test_lost_synchronisation_changes_nothing(house: House) -> None:
    house.clock.trusted = False
    house.clock.step(-HOUR_S)
    await house.measure(MINUTE_S)
    arrived = await house.deliver(patient=True)
    assert arrived[0].utc_us - times(house.delivered[:120])[-1].utc_us == EVERY_S * 1e6
    assert all(at.trusted and at.corrected for at in arrived)
    house.agrees()


async def test_a_wrong_time_server_and_then_a_right_one(house: House) -> None:
    await house.reboot(IN_1970_US)
    await house.measure(MINUTE_S)
    house.clock.synchronise()
    house.clock.step(3 * YEAR_S)
    await house.measure(MINUTE_S)
    wrong = await house.deliver(patient=True)
    assert len(wrong) == 24
    house.clock.synchronise()
    await house.measure(MINUTE_S)
    right = await house.deliver(patient=True)
    assert right[0].utc_us == house.clock.true_us - MINUTE_S * 1_000_000
    assert wrong[-1].utc_us - right[0].utc_us == pytest.approx(3 * YEAR_S * 1e6, abs=10e6)
    house.agrees()


async def test_a_day_asleep_is_a_day_in_which_nothing_was_measured(house: House) -> None:
    house.clock.advance(DAY_S)
    await house.measure(MINUTE_S)
    await house.deliver()
    assert cadence(times(house.delivered)) == {EVERY_S, DAY_S + EVERY_S}
    house.agrees(holes=1)


async def test_a_day_asleep_raises_what_stands_and_nothing_else(house: House) -> None:
    await house.measure(EVERY_S, value=5.95)
    house.clock.advance(DAY_S)
    await house.measure(30, value=8.0)
    assert house.told == []


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Apia"])
async def test_a_time_zone_and_its_summer_time_mean_nothing(
    house: House, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    until_us = BERLIN_TURNS_BACK_US - HOUR_S * 1_000_000 - house.clock.utc_us
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        house.clock.advance(until_us / 1e6)
        await house.measure(2 * HOUR_S)
        assert cadence(await house.deliver()) == {EVERY_S}
    finally:
        monkeypatch.undo()
        time.tzset()
    house.agrees(holes=1)


async def test_a_flat_line_is_measured_by_the_boot_clock(house: House) -> None:
    """A year's step must not make twenty equal minutes half a day."""
    for _ in range(20 * 12):
        house.pipeline.take_in([Reading(OXYGEN, house.clock.now(), 7.5)])
        house.clock.advance(EVERY_S)
        house.clock.step(HOUR_S)
    assert house.pipeline.latest[OXYGEN].tests[list(CHECKS).index("flat_line")] == "1"
