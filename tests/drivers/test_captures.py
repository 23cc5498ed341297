"""Real bytes, expected values: every capture through the real bus over a real pty, and without any bus."""

from collections.abc import Mapping
from typing import cast

import pytest

from agent.domain.errors import NoReply
from drivers import profile_names
from drivers.bus import make_bus
from drivers.interfaces import Bus, Cost, Space
from tests.drivers import captures
from tests.drivers.captures import Capture
from tests.drivers.devices import RealClock, Send, crc, serial_device, serial_settings


@pytest.mark.parametrize("capture", captures.ASKED, ids=str)
async def test_the_wire_carries_exactly_the_capture(capture: Capture) -> None:
    responses = list(capture.exchanges)

    def answer_as_recorded(request: bytes, send: Send) -> None:
        expected, response = responses.pop(0)
        assert request == expected
        send(response)

    with serial_device(answer_as_recorded) as device:
        bus = make_bus(serial_settings(capture.profile.protocols, device.device), RealClock())
        capture.check(await capture.profile.driver(bus, capture.unit).read())
        await bus.close()
    assert not responses


class RecordedBus:
    """Answers from a capture, without a wire."""

    name = "recorded"
    cost = Cost(0.02, 0.002)

    def __init__(self, exchanges: Mapping[bytes, bytes]) -> None:
        self._exchanges = exchanges

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def read(self, unit: int, space: Space, address: int, count: int) -> tuple[int, ...]:
        body = bytes((unit, space.value)) + address.to_bytes(2, "big") + count.to_bytes(2, "big")
        response = self._exchanges.get(body + crc(body))
        if response is None:
            raise NoReply(f"not recorded: {body.hex(' ')}")
        return tuple(int.from_bytes(response[at : at + 2], "big") for at in range(3, len(response) - 2, 2))


@pytest.mark.parametrize("capture", captures.MODBUS, ids=str)
async def test_a_capture_decodes_without_a_wire(capture: Capture) -> None:
    bus = cast(Bus, RecordedBus(dict(capture.exchanges)))
    capture.check(await capture.profile.driver(bus, capture.unit).read())


def test_every_model_has_a_capture() -> None:
    assert {capture.file.parent.name for capture in captures.ALL} == set(profile_names())


@pytest.mark.parametrize("capture", captures.MODBUS, ids=str)
def test_the_frames_of_a_capture_are_sound(capture: Capture) -> None:
    for exchange in capture.exchanges:
        for frame in exchange:
            assert frame[-2:] == crc(frame[:-2])
