"""Births on demand, without a broker: those who ask too often get fewer."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from agent.feed import MqttSettings, SparkplugSettings
from agent.feed.sparkplug import Sparkplug
from agent.feed.sparkplug.payload import REBIRTH, DataType, Metric, encode
from tests.agent.farm import OXYGEN, checked
from tests.clock import FakeClock

COMMAND = encode(1, [Metric(REBIRTH, 1, DataType.BOOLEAN, True)], None)


class Broker:
    """Stands for the client of a broker that takes everything at once; `said` has what came when, by kind, and in
    which turn of the event loop.
    """

    def __init__(self, clock: FakeClock) -> None:
        self.said: list[tuple[str, float]] = []
        self.turns: list[int] = []
        self.turn = 0
        self.subscribed: list[tuple[str, int]] = []
        self.commands: asyncio.Queue[tuple[bytes, bool]] = asyncio.Queue()
        self._clock = clock

    async def subscribe(self, topic: str, qos: int) -> list[ReasonCode]:
        self.subscribed.append((topic, qos))
        return [ReasonCode(PacketTypes.SUBACK, identifier=128)]

    async def publish(self, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        self.said.append((topic.split("/")[2], self._clock.boot))
        self.turns.append(self.turn)

    async def count_turns(self) -> None:
        while True:
            self.turn += 1
            await asyncio.sleep(0)

    @property
    async def messages(self) -> AsyncIterator[Any]:
        while True:
            payload, retain = await self.commands.get()
            yield aiomqtt.Message("spBv1.0/farm/NCMD/gw", payload, 0, retain, 1, None)

    def count(self, kind: str) -> int:
        return sum(said == kind for said, _ in self.said)


async def commanded(tmp_path: Path, *commands: tuple[bytes, bool]) -> Broker:
    """What is said when these arrive at once, and a reading after all that came of them."""
    clock = FakeClock()
    node = Sparkplug(SparkplugSettings("farm", "gw"), MqttSettings(), [OXYGEN], tmp_path / "bdseq", clock)
    broker = Broker(clock)
    session = asyncio.gather(node._session(broker), broker.count_turns())  # type: ignore[arg-type]
    try:
        async with asyncio.timeout(20):
            while broker.count("DBIRTH") < 1:
                await asyncio.sleep(0)
            for command in commands:
                broker.commands.put_nowait(command)
            while not broker.commands.empty():
                await asyncio.sleep(0)
            for _ in range(50):
                await asyncio.sleep(0)
            node.tell_readings([checked(1, 7.25)])
            node.tell([])
            while broker.count("DDATA") < 1:
                await asyncio.sleep(0)
    finally:
        session.cancel()
        await asyncio.gather(session, return_exceptions=True)
    return broker


async def test_what_the_broker_does_not_let_us_hear_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await commanded(tmp_path)
    assert "does not let the gateway hear spBv1.0/farm/NCMD/gw: give its user the right" in caplog.text


async def test_a_flood_of_demands_brings_one_birth_ten_seconds_later(tmp_path: Path) -> None:
    broker = await commanded(tmp_path, *[(COMMAND, False)] * 500)
    assert broker.subscribed == [("spBv1.0/farm/NCMD/gw", 1), ("spBv1.0/farm/NBIRTH/gw", 1)]
    assert [kind for kind, _ in broker.said] == ["NBIRTH", "DBIRTH"] * broker.count("NBIRTH") + ["DDATA"]
    births = [boot_s for kind, boot_s in broker.said if kind == "NBIRTH"]
    assert len(births) >= 2
    assert all(later - earlier >= 10 for earlier, later in pairwise(births))


async def test_others_have_their_turn_between_two_messages(tmp_path: Path) -> None:
    broker = await commanded(tmp_path, (COMMAND, False))
    assert len(broker.turns) >= 3
    assert len(set(broker.turns)) == len(broker.turns)


async def test_a_retained_demand_and_nonsense_bring_none(tmp_path: Path) -> None:
    broker = await commanded(tmp_path, (COMMAND, True), (b"nonsense", False), (COMMAND[:-1], False))
    assert [kind for kind, _ in broker.said] == ["NBIRTH", "DBIRTH", "DDATA"]
