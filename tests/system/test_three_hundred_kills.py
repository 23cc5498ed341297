"""kill -9, three hundred times, from the first import to the steady state: what was stored is delivered, once.

Three gateways side by side, since a life cannot be shorter than a start. The sinks are an archive, and an endpoint that
records whatever arrives. A kill between an arrival and its settling makes the record arrive again: by its identity it
is the same one.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any

import pytest

from simulators.farm import Farm
from simulators.ingest import IngestServer
from tests.system.deliveries import Record, all_is_delivered
from tests.system.farms import CLOUD
from tests.system.processes import Gateway
from tests.system.stage import Stage
from tests.system.waiting import until

HOUSES = 3
LIVES = 98
"""Of each gateway, all but the last ended by a kill at a random moment."""

STARTS = 3
"""Before those, to see how long a start takes here; the first makes the ring buffer, which takes longer."""

LONGEST_S = 1500.0
AERATION_CHANGES_EVERY = 17
ALERTS = "sensor-alerts"
_ROWS = "SELECT seq, sensor_id, value, flag FROM reading WHERE seq > ? ORDER BY seq"


class Recorder(IngestServer):
    """Takes everything in, and keeps each arrival, repeats included, with its topic."""

    def __init__(self) -> None:
        super().__init__(0, "test-key")
        self.arrivals: list[tuple[str | None, Record]] = []

    def store(self, records: list[Any], topic: str | None = None) -> list[dict[str, Any]]:
        self.arrivals.extend((topic, record) for record in records)
        return super().store(records, topic)

    def contradictions(self) -> list[tuple[Record, Record]]:
        """Arrivals with one identity that do not agree in everything."""
        first: dict[object, Record] = {}
        found = []
        for topic, record in self.arrivals:
            name = topic, record.get("id"), record.get("is_resolved"), record.get("sensor_id"), record["time"]
            if first.setdefault(name, record) != record:
                found.append((first[name], record))
        return found

    def alerts(self) -> set[int]:
        """Their sequence numbers."""
        return {record["metadata"]["sequence"] for topic, record in self.arrivals if topic == ALERTS}


class House:
    """One gateway with its farm and its recorder, and what was found in its ring buffer after each kill."""

    def __init__(self, farm: Farm, gateway: Gateway, recorder: Recorder, stage: Stage, seed: int) -> None:
        self.farm = farm
        self.gateway = gateway
        self.recorder = recorder
        self.stage = stage
        self.fruitful = 0
        self._acknowledged: list[tuple[Any, ...]] = []
        self._moments = Random(seed)

    async def live_and_die(self) -> None:
        """About half of the moments fall into a start, however busy the machine is by then."""
        longest_s = 2 * min([await self._start_s() for _ in range(STARTS)])
        self.gateway.start()
        for life in range(1, LIVES):
            if life % AERATION_CHANGES_EVERY == 0:
                pond = self.farm.pond("tank-1")
                pond.aerating = not pond.aerating
            await asyncio.sleep(self._moments.uniform(0.0, longest_s))
            assert self.gateway.child.poll() is None, "the gateway ended by itself"
            self.gateway.kill()
            longest_s *= 0.95 if self._look() else 1.05
            self.gateway.start()

    async def _start_s(self) -> float:
        """How long it takes until something is stored; the gateway is killed then."""
        began = time.monotonic()
        self.gateway.start()
        await self.gateway.stores_more(1)
        self.gateway.kill()
        return time.monotonic() - began

    def _look(self) -> bool:
        """Whether the last life stored anything. What is in the file now has been committed, and must not change."""
        last = self._acknowledged[-1][0] if self._acknowledged else 0
        new = self.gateway.rows(_ROWS, last)
        self._acknowledged += new
        self.fruitful += bool(new)
        return bool(new)

    async def everything_is_delivered(self) -> None:
        await all_is_delivered(self.gateway, lambda: self.recorder.records, within_s=60)
        await all_is_delivered(self.gateway, self.stage.archived, within_s=60)
        alarms = {seq for (seq,) in self.gateway.rows("SELECT seq FROM alarm_log")}
        assert alarms, "no alarm was raised in all these lives"
        await until(lambda: self.recorder.alerts() >= alarms, what="every alarm change arrives")
        assert self.gateway.rows(_ROWS, 0)[: len(self._acknowledged)] == self._acknowledged
        assert self.recorder.contradictions() == []
        assert self.gateway.rows("SELECT count(*) FROM gaps") == [(0,)]
        assert list(self.gateway.database.parent.glob("*.damaged-*")) == []


async def _house(folder: Path, number: int, closing: AsyncExitStack) -> House:
    folder.mkdir()
    stage, recorder = Stage(folder, closing), closing.enter_context(Recorder())
    farm = await stage.farm()
    gateway = stage.gateway(farm, None, CLOUD.format(url=recorder.url), sinks="archive")
    return House(farm, gateway, recorder, stage, number)


@pytest.mark.timeout(1800)
async def test_three_hundred_kills_lose_nothing_stored_and_double_nothing(tmp_path: Path) -> None:
    async with AsyncExitStack() as closing:
        houses: Sequence[House] = [await _house(tmp_path / f"gw-{n}", n, closing) for n in range(HOUSES)]
        async with asyncio.timeout(LONGEST_S), asyncio.TaskGroup() as group:
            for house in houses:
                group.create_task(house.live_and_die())
        fruitful = sum(house.fruitful for house in houses)
        assert fruitful > HOUSES * LIVES / 4, f"only {fruitful} lives were long enough to store anything"
        for house in houses:
            await house.everything_is_delivered()
