"""One bus and its probes by the fake clock: whose turn it is, and what a failure costs."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from agent import config
from agent.bus_drivers import buses
from agent.domain.errors import BadReply, BusError, NoReply
from agent.domain.farm import Probe, Sensor
from agent.domain.quantity import Quantity
from agent.domain.reading import Missing, Reading
from agent.polling import SILENT_AFTER, BusLoop
from tests.agent.farm import TANK
from tests.agent.gateway_file import right, write
from tests.clock import FakeClock

START_S = 1000.0
TIMEOUT_S = 0.5


class ScriptedBus:
    """Opens unless `trouble` says why not."""

    name = "rs485"
    quiet_s = 0.3
    owed_s = 0.0
    """The silence after what failed last, which the next question waits for."""
    trouble: str | None = None
    closed = False

    async def open(self) -> None:
        if self.trouble:
            raise BusError(self.trouble)

    async def close(self) -> None:
        self.closed = True


class ScriptedProbe:
    """Answers in `takes_s`, or is silent for the time-out."""

    def __init__(self, clock: FakeClock, bus: ScriptedBus, takes_s: float = 0.01) -> None:
        self.clock, self.bus, self.takes_s = clock, bus, takes_s
        self.silent = False
        self.hangs_up = False
        self.babbles = False
        self.silent_turn_of = 0  # it is in one of so many
        self.asked: list[float] = []

    async def read(self) -> Mapping[str, float | Missing]:
        self.asked.append(self.clock.boot)
        await asyncio.sleep(0)
        if self.silent_turn_of:
            self.silent = len(self.asked) % self.silent_turn_of == 0
        self.clock.advance(self.bus.owed_s + (TIMEOUT_S if self.silent else self.takes_s))
        self.bus.owed_s = self.bus.quiet_s if self.silent else 0.0
        if self.hangs_up:
            raise BusError(f"10.0.0.7:502 was lost during request {len(self.asked)}")
        if self.babbles:
            raise BadReply("wrong checksum on /dev/ttyUSB0, unit 7")
        if self.silent:
            raise NoReply("no reply in 0.5 s on /dev/ttyUSB0, unit 7")
        return {"oxygen": 8.0, "temperature": Missing("not fitted")}


def probe(name: str, period_s: float) -> Probe:
    oxygen = Sensor(UUID(int=1), TANK, name, "oxygen", Quantity.DISSOLVED_OXYGEN, None)
    warmth = Sensor(UUID(int=2), TANK, name, "temperature", Quantity.TEMPERATURE, None)
    return Probe(name, TANK, "rs485", "any", 7, period_s, (oxygen, warmth))


class Line:
    """A bus loop with scripted probes, run for so many seconds of the fake clock."""

    def __init__(self, **periods: float) -> None:
        self.clock, self.bus = FakeClock(boot_s=START_S), ScriptedBus()
        self.probes = {name: ScriptedProbe(self.clock, self.bus) for name in periods}
        drivers = {probe(name, period_s): self.probes[name] for name, period_s in periods.items()}
        self.readings: list[Reading] = []
        self.at: dict[float, Callable[[], None]] = {}
        self.loop = BusLoop(self.bus, drivers, self.take_in, self.clock, Random(1))

    def take_in(self, readings: Sequence[Reading]) -> None:
        self.readings += readings

    def oxygen(self, name: str) -> list[Reading]:
        return [one for one in self.readings if one.sensor.probe == name and one.sensor.channel == "oxygen"]

    async def run(self, seconds: float) -> "Line":
        until = self.clock.boot + seconds
        task = asyncio.ensure_future(self.loop.run())
        while self.clock.boot < until:
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return self


async def test_the_cadence_does_not_drift_however_long_an_answer_takes() -> None:
    line = Line(slow=5.0)
    line.probes["slow"].takes_s = 1.7
    await line.run(5_000)
    assert line.probes["slow"].asked == pytest.approx([START_S + 5 * n for n in range(len(line.probes["slow"].asked))])


async def test_turns_that_are_lost_are_lost_and_the_beat_goes_on() -> None:
    line = Line(slow=5.0)
    line.probes["slow"].takes_s = 12.0
    await line.run(60)
    assert line.probes["slow"].asked == pytest.approx([START_S + 15 * n for n in range(len(line.probes["slow"].asked))])


async def test_on_a_bus_that_is_too_slow_everyone_gets_the_same_share() -> None:
    line = Line(a=1.0, b=1.0, c=1.0, d=1.0)
    for one in line.probes.values():
        one.takes_s = 1.0
    await line.run(400)
    turns = [len(one.asked) for one in line.probes.values()]
    assert min(turns) >= max(turns) - 1
    assert sum(turns) >= 399


async def test_a_reading_is_stamped_when_its_answer_came() -> None:
    line = await Line(do=5.0).run(1)
    assert line.readings[0].at.boot_s == START_S + 0.01
    assert (line.readings[0].value, line.readings[1].value) == (8.0, None)
    assert line.readings[1].because == "not fitted"


async def test_a_silent_probe_costs_one_time_out_a_turn_and_then_is_asked_less(
    caplog: pytest.LogCaptureFixture,
) -> None:
    line = Line(dead=1.0, good=1.0)
    line.probes["dead"].silent = True
    await line.run(400)
    asked = line.probes["dead"].asked
    assert asked[:SILENT_AFTER] == pytest.approx([START_S, START_S + 1, START_S + 2], abs=0.6)
    rests = [after - before for before, after in pairwise(asked)][-8:]
    assert all(30 * 0.75 <= rest <= 30 * 1.25 + 2 for rest in rests)
    assert len({round(rest) for rest in rests}) > 2
    assert [record.getMessage() for record in caplog.records if "dead" in record.getMessage()] == [
        "tank-1/dead: no reply in 0.5 s on /dev/ttyUSB0, unit 7",
        "tank-1/dead: no answer in 3 turns, it is asked less often until it answers",
    ]


def busy_line(others: int, quiet_s: float = 0.3) -> Line:
    """A line of eight probes without time to spare; so many of them are the `others`, of which nothing is expected."""
    line = Line(**{f"other{n}": 0.01 for n in range(others)}, **{f"p{n}": 0.01 for n in range(8 - others)})
    line.bus.quiet_s = quiet_s
    for one in line.probes.values():
        one.takes_s = 0.02
    return line


async def answers_of_the_rest(line: Line, seconds: float = 100) -> int:
    await line.run(seconds)
    return sum(len(one.asked) for name, one in line.probes.items() if name.startswith("p"))


@pytest.mark.parametrize(
    ("silent_turn_of", "others", "quiet_s"),
    [(1, 1, 0.3), (2, 1, 0.3), (3, 1, 0.3), (1, 2, 0.3), (2, 3, 0.3), (1, 1, 2.0), (1, 3, 0.0)],
)
async def test_probes_that_are_silent_always_or_often_take_the_rest_little(
    silent_turn_of: int, others: int, quiet_s: float
) -> None:
    """Each is asked a few times before that is known; from then on they share a fiftieth of the line's time."""
    seconds = 40 * (TIMEOUT_S + quiet_s) * others
    alone = busy_line(others, quiet_s)
    beside = busy_line(others, quiet_s)
    for n in range(others):
        alone.probes[f"other{n}"].takes_s = 0.0
        beside.probes[f"other{n}"].silent_turn_of = silent_turn_of
    assert await answers_of_the_rest(beside, 3 * seconds) >= 0.95 * await answers_of_the_rest(alone, 3 * seconds)


async def test_when_one_of_several_silent_probes_answers_the_others_are_asked_soon() -> None:
    """The cable was loose: all that hung on it come back together."""
    line = busy_line(7)
    others = [one for name, one in line.probes.items() if name.startswith("other")]
    for one in others:
        one.silent = True
    await line.run(300)
    for one in others:
        one.silent = False
    back_s = line.clock.boot
    await line.run(90)
    for name, one in line.probes.items():
        came = [reading.at.boot_s for reading in line.oxygen(name) if reading.value and reading.at.boot_s > back_s]
        assert came[0] - back_s < 80, one


async def test_a_probe_may_be_dead_for_days() -> None:
    line = Line(dead=10.0)
    line.probes["dead"].silent = True
    await line.run(2 * 86_400)
    assert len(line.probes["dead"].asked) > 1100
    assert line.oxygen("dead")[-1].value is None


async def test_a_silent_probe_is_missing_in_each_period_and_delays_nobody() -> None:
    line = Line(dead=1.0, good=1.0)
    line.probes["dead"].silent = True
    await line.run(200)
    missing = line.oxygen("dead")
    assert len(missing) == pytest.approx(200, abs=2)
    assert {(one.value, one.because) for one in missing} == {(None, "no reply in 0.5 s on /dev/ttyUSB0, unit 7")}
    asked = line.probes["good"].asked
    assert [int(at_s - START_S) for at_s in asked] == list(range(len(asked)))


async def test_a_probe_that_answers_again_is_back_in_its_beat(caplog: pytest.LogCaptureFixture) -> None:
    line = Line(dead=1.0)
    line.probes["dead"].silent = True
    await line.run(20)
    line.probes["dead"].silent = False
    await line.run(100)
    assert [one.value for one in line.oxygen("dead")[-60:]] == [8.0] * 60
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 4
    assert "tank-1/dead answers again" in caplog.text


async def test_what_was_garbled_is_told_from_silence_also_while_the_probe_is_left_alone() -> None:
    line = Line(a=5.0)
    line.probes["a"].babbles = True
    await line.run(60)
    assert len(line.probes["a"].asked) * 2 < len(line.readings)
    assert {(one.value, one.because, one.garbled) for one in line.readings} == {
        (None, "wrong checksum on /dev/ttyUSB0, unit 7", True)
    }
    line.probes["a"].babbles, line.probes["a"].silent = False, True
    line.readings.clear()
    await line.run(60)
    assert line.readings[-1].garbled is False


async def test_a_channel_without_value_is_logged_when_that_changes(caplog: pytest.LogCaptureFixture) -> None:
    line = Line(a=1.0)
    await line.run(20)
    assert [record.getMessage() for record in caplog.records] == ["tank-1/a: temperature has no value: not fitted"]


async def test_a_port_that_cannot_be_opened_is_named_tried_again_and_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    line = Line(a=1.0, b=2.0)
    line.bus.trouble = "/dev/ttyUSB0: no such device"
    await line.run(20)
    assert {(one.value, one.because) for one in line.readings} == {(None, "/dev/ttyUSB0: no such device")}
    assert len(line.oxygen("a")) == pytest.approx(20, abs=1)
    assert line.loop.trouble == "/dev/ttyUSB0: no such device"
    line.bus.trouble = None
    await line.run(20)
    assert line.oxygen("a")[-1].value == 8.0
    assert line.loop.trouble is None
    assert [record.getMessage() for record in caplog.records if "Bus" in record.getMessage()] == [
        "Bus rs485: /dev/ttyUSB0: no such device; trying again",
        "Bus rs485 works again",
    ]


async def test_a_port_that_opens_and_is_lost_with_every_question_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    line = Line(a=1.0, b=1.0)
    for probe in line.probes.values():
        probe.hangs_up = True
    await line.run(60)
    told = [record.getMessage() for record in caplog.records]
    assert told == ["Bus rs485: 10.0.0.7:502 was lost during request 1; trying again"]
    assert line.loop.trouble is not None
    assert line.loop.trouble != "10.0.0.7:502 was lost during request 1", "what is shown is the newest"


async def test_the_trouble_of_one_bus_does_not_touch_another() -> None:
    sick, well = Line(a=1.0), Line(b=1.0)
    sick.bus.trouble = "/dev/ttyUSB0: no such device"
    await asyncio.gather(sick.run(100), well.run(100))
    assert {one.value for one in sick.oxygen("a")} == {None}
    assert {one.value for one in well.oxygen("b")} == {8.0}
    assert len(well.oxygen("b")) == pytest.approx(100, abs=1)


async def test_probes_that_share_a_device_are_read_together() -> None:
    line = Line(a=1.0)
    both = {probe("a", 1.0): line.probes["a"], probe("b", 1.0): line.probes["a"]}
    line.loop = BusLoop(line.bus, both, line.take_in, line.clock, Random(1))
    await line.run(10)
    assert len(line.probes["a"].asked) == pytest.approx(10, abs=1)
    assert len(line.oxygen("a")) == len(line.oxygen("b")) == len(line.probes["a"].asked)
    assert str(line.loop.turns[0]) == "tank-1/a and tank-1/b"


def test_two_configured_probes_of_one_address_become_one_device(tmp_path: Path) -> None:
    document = right()
    one = {"bus": "rs485", "profile": "seeed-s-ph-01", "unit": 9, "tank": "tank-1"}
    document["probes"] += [
        one | {"name": "left", "sensors": {"temperature": {"enabled": False}}},
        one | {"name": "right", "tank": "tank-2", "sensors": {"ph": {"enabled": False}}},
    ]
    gateway = config.load(write(tmp_path, document))
    drivers = {probe.name: driver for _, made in buses(gateway, FakeClock()) for probe, driver in made.items()}
    assert drivers["left"] is drivers["right"]


async def test_a_loop_that_ends_closes_its_port() -> None:
    line = await Line(a=1.0).run(1)
    assert line.bus.closed
