"""What a probe says in place of a value (sentinels, quality and status registers, units that contradict the profile,
NaN, words) leaves the house as flag 9 with the reason: from the recorded bytes through driver, polling and checks.
"""

import asyncio
from collections.abc import Iterable, Sequence
from random import Random
from uuid import uuid4

from agent.checks.sensor_checks import SensorChecks
from agent.domain.alarm import AlarmChange
from agent.domain.farm import Probe, Sensor
from agent.domain.reading import CheckedReading, Flag
from agent.pipeline import Pipeline
from agent.polling import BusLoop
from drivers.bus import make_bus
from tests.agent.farm import TANK
from tests.drivers.captures import ASKED, Capture
from tests.drivers.devices import RealClock, Send, serial_device, serial_settings

VALUELESS = [capture for capture in ASKED if capture.missing]


async def polled(capture: Capture) -> dict[str, CheckedReading]:
    """What becomes of the recorded bytes, by channel."""
    responses = list(capture.exchanges)
    kept: dict[str, CheckedReading] = {}

    def answer_as_recorded(request: bytes, send: Send) -> None:
        if responses:
            send(responses.pop(0)[1])

    def keep(readings: Iterable[CheckedReading], changes: Sequence[AlarmChange]) -> None:
        kept.update((checked.reading.sensor.channel, checked) for checked in readings)

    sensors = tuple(
        Sensor(uuid4(), TANK, "probe", channel.name, channel.quantity, channel.span)
        for channel in capture.profile.channels
    )
    pipeline = Pipeline({sensor: SensorChecks({}) for sensor in sensors}, [], keep, lambda changes: None)
    probe = Probe("probe", TANK, "pond", capture.profile.name, capture.unit, 1.0, sensors)
    with serial_device(answer_as_recorded) as device:
        bus = make_bus(serial_settings(capture.profile.protocols, device.device), RealClock())
        driver = capture.profile.driver(bus, capture.unit)
        loop = BusLoop(bus, {probe: driver}, pipeline.take_in, RealClock(), Random(1))
        await loop.poll(loop.turns[0])
        await bus.close()
    return kept


async def test_what_means_no_value_is_missing_with_the_reason() -> None:
    assert len(VALUELESS) > 30
    for capture, kept in zip(VALUELESS, await asyncio.gather(*map(polled, VALUELESS)), strict=True):
        for channel, reason in capture.missing.items():
            checked = kept[channel]
            assert checked.reading.value is None, (capture, channel)
            assert checked.flag is Flag.MISSING, (capture, channel)
            assert reason in (checked.because or ""), (capture, channel)
        for channel in capture.expect:
            assert kept[channel].reading.value is not None, (capture, channel)
