"""What is recorded: the real store and the real forwarder, fed with numbered readings, delivering to a scripted sink.

Reading n has the value n and, since they are stored in order from the beginning, the sequence number n. On the standard
output it says, one JSON object a line, what it promises when it promises it: `{"stored": n, "changes": k}` when the
commit of everything up to there has returned, `{"accepted": [[topic, body], …]}` when the sink has taken records,
`{"published": k}` when MQTT has the alarm changes up to there.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.domain.alarm import AlarmChange
from agent.domain.clock import Clock
from agent.domain.reading import CheckedReading, Flag, Reading
from agent.store.store import Store, StoreSettings
from tests.agent.farm import NOON_US, OXYGEN, WARMTH, alarm
from tests.alarms import told
from tests.clock import FakeClock
from tests.power.delivery import SINK, ScriptedSink, deliver

ALARM = alarm()
AT_ONCE = 40
"""So many readings leave the ring at once, in place of `agent.store.eviction.AT_ONCE`."""

OpenStore = Callable[[Path, Clock], Store]


def settings(folder: Path) -> StoreSettings:
    """The smallest ring buffer there is: it is full soon, and its log is folded back often."""
    return StoreSettings(folder / "ring-buffer.sqlite", size_mb=1)


def open_store(folder: Path, clock: Clock) -> Store:
    return Store(settings(folder), [SINK], clock)


def reading(number: int, clock: FakeClock) -> CheckedReading:
    """Measured a second after the one before; its long reason takes six pages, so few readings fill the ring."""
    clock.advance(1.0)
    found = Reading((OXYGEN, WARMTH)[number % 2], clock.now(), float(number))
    return CheckedReading(found, Flag.SUSPECT, 0.75, "11311", f"{number} " * (6000 // len(f"{number} ")))


def change(number: int, clock: Clock) -> AlarmChange:
    """Of the one alarm there is: by turns it is raised and cleared."""
    now, occurrence = clock.now(), (number + 1) // 2
    message = f"the oxygen is low, the {occurrence}. time"
    raised = f"{now.boot_id}/{occurrence}"
    return told(number, ALARM, number % 2 == 1, occurrence, raised, now, 5.8, message)


class Gateway:
    """Lives on a clock, and promises what it stores."""

    def __init__(self, folder: Path, open_the_store: OpenStore, clock: FakeClock) -> None:
        self._folder = folder
        self._open = open_the_store
        self._clock = clock
        self._number = 0
        self._change = 0

    async def live(self, plan: str) -> None:
        """From start to stop. Something is measured and stored for each letter of the plan; before `s` the clock is set
        right, after `d` everything is delivered.
        """
        store = self._open(self._folder, self._clock)
        await store.recall(3600.0, lambda past: None)
        script = ["accept", "meanwhile", "lose", "accept", "refuse"] * 100
        sink = ScriptedSink(lambda batch: say(accepted=[[record.topic, dict(record.body)] for record in batch]), script)
        sink.meanwhile = lambda: self._measure(store, 5)  # type: ignore[method-assign]
        for turn, what in enumerate(plan):
            if what == "s":
                self._clock.synchronise()
            await self._measure(store, 7, alarm=turn % 3 == 2)
            if what == "d":
                await deliver(store, sink, self._clock)
        await store.close()

    async def _measure(self, store: Store, count: int, alarm: bool = False) -> None:
        readings = [reading(self._number + n, self._clock) for n in range(1, count + 1)]
        self._number += count
        self._change += alarm
        store.put(readings, [change(self._change, self._clock)] if alarm else [])
        await store.commit()
        assert store.trouble is None, store.trouble
        say(stored=self._number, changes=self._change)
        if self._change % 2:
            say(published=self._change)
            await store.feed_has(self._change)


def say(**promise: Any) -> None:
    line = json.dumps(promise).encode()
    assert os.write(1, line) == len(line)


async def work(folder: Path, open_the_store: OpenStore = open_store) -> None:
    """In the first life an outage fills the ring; before the second the machine was off; its clock is a week ahead."""
    clock = FakeClock(NOON_US)
    gateway = Gateway(folder, open_the_store, clock)
    await gateway.live("ddd...dd" + 26 * "." + "dd.d..")
    clock.reboot(utc_us=NOON_US + 7 * 86_400 * 1_000_000)
    await gateway.live("d.dd..sd.d.d.d")
