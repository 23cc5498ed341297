"""One loop a bus: whose turn it is, ask, stamp.

The probe that has waited longest past its time is asked next. A probe that does not answer costs the bus one time-out,
and after `SILENT_AFTER` of those in a row it is asked only now and then, at jittered intervals, so that the others
keep their cadence; its readings go on as missing, with the reason. Where the others have no time to spare, what all
silent probes of a line together lose them is limited to a small share of it, be they silent always or often. A port
that cannot be opened is tried again every turn, and costs nobody anything on another bus.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from agent.domain.clock import Clock
from agent.domain.errors import BadReply, BusError, NoReply, ProbeError
from agent.domain.farm import Probe
from agent.domain.reading import Missing, Reading
from agent.journal import Fields
from agent.metrics.tally import Tally
from drivers.interfaces import Bus, ProbeDriver

log = logging.getLogger(__name__)

SILENT_AFTER = 3
"""Turns without an answer after which a probe is only asked now and then."""

_LONGEST_REST_S = 30.0
_SHARE = 1 / 50  # of a busy line, for time-outs and the silence after them
_MOST_DOUBLINGS = 16  # a float has room for 1023, which a dead probe would reach within a working day


@dataclass(slots=True)
class Turn:
    """Where one device on a bus stands: when it is due (boot seconds), and how it has answered. Several probes can
    share it.

    `silent` holds the channels that had no value in its last answer, with the reasons. `lost_s` is what its last
    failure took; a line without time to spare owes it nothing before `repaid_s`, but for a few failures in advance.
    """

    probes: Sequence[Probe]
    driver: ProbeDriver
    due_s: float
    failures: int = 0
    because: str | None = None
    garbled: bool = False
    ask_again_s: float = 0.0
    rested: bool = False
    lost_s: float = 0.0
    repaid_s: float = 0.0
    silent: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return " and ".join(f"{probe.tank.name}/{probe.name}" for probe in self.probes)

    @property
    def period_s(self) -> float:
        return self.probes[0].period_s

    @property
    def is_silent(self) -> bool:
        """Whether it is only asked now and then."""
        return self.failures >= SILENT_AFTER


class BusLoop:
    """Polls the probes of one bus for ever; those that share a driver are one device.

    `turns`, `trouble` and `tally` are there to be looked at.
    """

    def __init__(
        self,
        bus: Bus,
        drivers: Mapping[Probe, ProbeDriver],
        take_in: Callable[[Sequence[Reading]], None],
        clock: Clock,
        random: Random,
        fault_begins: Callable[[str], None] = lambda because: None,
    ) -> None:
        self.bus = bus
        now_s = clock.boot_s()
        devices: dict[ProbeDriver, list[Probe]] = {}
        for probe, driver in drivers.items():
            devices.setdefault(driver, []).append(probe)
        self.turns = [Turn(probes, driver, now_s) for driver, probes in devices.items()]
        self.trouble: str | None = None
        self.tally = Tally()
        self._repaid_s = now_s  # when all that was lost is a small enough share of the time that has passed
        self._take_in = take_in
        self._clock = clock
        self._random = random
        self._fault_begins = fault_begins
        self._ended_s = now_s
        self.asking = asyncio.Lock()
        """Held while a probe is asked; who asks one besides the loop takes it first."""

    @property
    def since_s(self) -> float:
        """When it last ended a turn, or the boot time at which the next is due."""
        return max(self._ended_s, min(turn.due_s for turn in self.turns))

    async def run(self) -> None:
        """Ends by cancellation; the port is closed then."""
        try:
            while True:
                turn = min(self.turns, key=lambda turn: (turn.due_s, turn.failures))
                wait_s = turn.due_s - self._clock.boot_s()
                if wait_s > 0:
                    await self._clock.sleep(wait_s)
                await self.poll(turn)
        finally:
            await self.bus.close()

    async def poll(self, turn: Turn) -> None:
        """One turn of one device: a reading for each of its sensors, whatever happens."""
        async with self.asking:
            measured = await self._measure(turn)
        at = self._clock.now()
        self._ended_s = at.boot_s
        # The next turn counts from the time that was due, so that the cadence does not drift; lost turns are lost.
        turn.due_s += turn.period_s * max(1, -(-(at.boot_s - turn.due_s) // turn.period_s))
        readings = []
        for sensor in (sensor for probe in turn.probes for sensor in probe.sensors):
            value = measured if isinstance(measured, Missing) else measured[sensor.channel]
            if isinstance(value, Missing):
                readings.append(Reading(sensor, at, None, value.because, value.garbled))
            else:
                readings.append(Reading(sensor, at, value))
        self._take_in(readings)

    async def _measure(self, turn: Turn) -> Mapping[str, float | Missing] | Missing:
        now_s = self._clock.boot_s()
        if self._rests(turn, now_s):
            turn.rested = True
            return Missing(turn.because or "", turn.garbled)
        self.tally.polls += 1
        self.tally.late.note(now_s, max(0.0, now_s - turn.due_s))
        try:
            await self.bus.open()
            measured = await turn.driver.read()
        except BusError as error:
            self.tally.errors += 1
            self._tell_bus(str(error))
            return Missing(str(error))
        except ProbeError as error:
            self.tally.failures += 1
            self._tell_bus(None)
            garbled = isinstance(error, BadReply)
            self._note_failure(turn, str(error), garbled)
            silence_s = self.bus.quiet_s if isinstance(error, NoReply | BadReply) else 0.0
            self._charge(turn, self._clock.boot_s() - now_s + silence_s)
            return Missing(str(error), garbled)
        finally:
            self.tally.busy_s += self._clock.boot_s() - now_s
        self._tell_bus(None)
        self._note_answer(turn, measured)
        return measured

    def _rests(self, turn: Turn, now_s: float) -> bool:
        """Whether the probe is not asked this time, since it did not answer before."""
        if turn.is_silent and now_s < turn.ask_again_s:
            return True
        in_advance_s = (SILENT_AFTER - 1) * turn.lost_s / _SHARE
        if turn.repaid_s - now_s <= in_advance_s:
            return False
        others = (other.due_s for other in self.turns if other is not turn and not other.failures)
        return min(others, default=math.inf) - now_s < turn.lost_s

    def _charge(self, turn: Turn, lost_s: float) -> None:
        debt_s = lost_s / _SHARE * self._random.uniform(0.75, 1.25)
        turn.lost_s = lost_s
        turn.repaid_s = self._repaid_s = max(self._repaid_s, self._clock.boot_s()) + debt_s

    def _note_failure(self, turn: Turn, because: str, garbled: bool) -> None:
        turn.failures += 1
        turn.rested = False
        turn.because, turn.garbled = because, garbled
        if turn.failures == 1:
            log.warning("%s: %s", turn, because, extra=self._about(turn))
            self._fault_begins(f"{turn}: {because}")
        if turn.failures == SILENT_AFTER:
            words = "%s: no answer in %d turns, it is asked less often until it answers"
            log.warning(words, turn, SILENT_AFTER, extra=self._about(turn))
        if turn.is_silent:
            doublings = min(turn.failures - SILENT_AFTER + 1, _MOST_DOUBLINGS)
            rest_s = min(turn.period_s * 2.0**doublings, _LONGEST_REST_S)
            turn.ask_again_s = self._clock.boot_s() + rest_s * self._random.uniform(0.75, 1.25)

    def _note_answer(self, turn: Turn, measured: Mapping[str, float | Missing]) -> None:
        if turn.failures:
            log.warning("%s answers again", turn, extra=self._about(turn))
        if turn.rested:
            # What ended its silence may have ended that of the others, too: each may try once.
            for other in self.turns:
                if other is not turn:
                    other.repaid_s = 0.0
        turn.failures, turn.rested = 0, False
        silent = {channel: value.because for channel, value in measured.items() if isinstance(value, Missing)}
        if silent.keys() != turn.silent.keys():
            for channel in silent.keys() - turn.silent.keys():
                log.warning("%s: %s has no value: %s", turn, channel, silent[channel], extra=self._about(turn))
            if fresh := sorted(silent.keys() - turn.silent.keys()):
                self._fault_begins(f"{turn}: no {', '.join(fresh)}: {silent[fresh[0]]}")
            for channel in turn.silent.keys() - silent.keys():
                log.warning("%s: %s has a value again", turn, channel, extra=self._about(turn))
        turn.silent = silent

    def _about(self, turn: Turn) -> Fields:
        tanks = dict.fromkeys(probe.tank.name for probe in turn.probes)
        return Fields(tanks=tuple(tanks), probes=tuple(probe.name for probe in turn.probes), bus=self.bus.name)

    def _tell_bus(self, trouble: str | None) -> None:
        if trouble and not self.trouble:
            log.error("Bus %s: %s; trying again", self.bus.name, trouble, extra=Fields(bus=self.bus.name))
            self._fault_begins(trouble)
        elif self.trouble and not trouble:
            log.warning("Bus %s works again", self.bus.name, extra=Fields(bus=self.bus.name))
        self.trouble = trouble
