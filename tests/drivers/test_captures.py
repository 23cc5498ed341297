"""Real bytes, expected values: every capture through the real bus over a real pty, and without any bus."""

import asyncio

import pytest

from drivers import profile_names
from drivers.bus import make_bus
from tests.drivers import captures
from tests.drivers.captures import Capture
from tests.drivers.devices import RealClock, Send, crc, serial_device, serial_settings
from tests.drivers.recorded_bus import RecordedBus


@pytest.mark.parametrize("model", sorted({capture.file.parent.name for capture in captures.ASKED}))
async def test_the_wire_carries_exactly_the_captures(model: str) -> None:
    await asyncio.gather(*(_carried(capture) for capture in captures.ASKED if capture.file.parent.name == model))


async def _carried(capture: Capture) -> None:
    responses = list(capture.exchanges)

    def answer_as_recorded(request: bytes, send: Send) -> None:
        expected, response = responses.pop(0)
        assert request == expected, capture
        send(response)

    with serial_device(answer_as_recorded) as device:
        bus = make_bus(serial_settings(capture.profile.protocols, device.device), RealClock())
        capture.check(await capture.profile.driver(bus, capture.unit).read())
        await bus.close()
    assert not responses, capture


@pytest.mark.parametrize("capture", captures.MODBUS, ids=str)
async def test_a_capture_decodes_without_a_wire(capture: Capture) -> None:
    bus = RecordedBus(capture.exchanges)
    driver = capture.profile.driver(bus, capture.unit)
    capture.check(await driver.read())
    assert not bus.left
    bus.play(capture.repeated + capture.asked)
    capture.check(await driver.read())
    assert not bus.left


def test_every_model_has_a_capture() -> None:
    assert {capture.file.parent.name for capture in captures.ALL} == set(profile_names())


@pytest.mark.parametrize("capture", captures.MODBUS, ids=str)
def test_the_frames_of_a_capture_are_sound(capture: Capture) -> None:
    for exchange in capture.exchanges:
        for frame in exchange:
            assert frame[-2:] == crc(frame[:-2])
