"""What every probe model that is asked in text promises, whatever the wire does to it."""

import asyncio
from collections.abc import Callable

import pytest

from agent.domain.errors import BadReply, NoReply, ProbeError
from agent.domain.farm import MODBUS
from drivers.bus import make_bus
from tests.drivers import captures
from tests.drivers.captures import Capture
from tests.drivers.devices import QUIET_S, TIMEOUT_S, RealClock, Script, Send, later, serial_device, serial_settings

HEALTHY = [
    capture for capture in captures.HEALTHY.values() if capture in captures.ASKED and capture not in captures.MODBUS
]


def recorded(capture: Capture) -> Script:
    responses = dict(capture.exchanges)
    return lambda request, send: send(responses[request])


def value_request(capture: Capture) -> bytes:
    """The question that is answered by values: R, or the first D."""
    return next(request for request, _ in capture.exchanges if request == b"R\r" or b"D0!" in request)


def with_value(capture: Capture, fault: Callable[[bytes], bytes]) -> Script:
    responses = dict(capture.exchanges)
    asked = value_request(capture)
    return lambda request, send: send(fault(responses[request]) if request == asked else responses[request])


def damaged(response: bytes) -> bytes:
    return bytes((response[0] ^ 0x80,)) + response[1:]


def torn(response: bytes) -> bytes:
    return response[:2]


def another_question(response: bytes) -> bytes:
    return b"?I,pH,2.16\r\n*OK\r\n"


def letters(response: bytes) -> bytes:
    return response[:1] + b"O.5\r\n*OK\r\n"


def test_there_are_models_of_both_kinds() -> None:
    assert len(HEALTHY) > 4
    assert not any(capture.profile.protocols & MODBUS for capture in HEALTHY)


@pytest.mark.parametrize("fault", [damaged, torn, another_question, letters], ids=lambda fault: fault.__name__)
async def test_what_is_no_answer_is_no_value_and_the_next_turn_is_a_good_one(fault: Callable[[bytes], bytes]) -> None:
    await asyncio.gather(*(disturbed(capture, fault) for capture in HEALTHY))


async def disturbed(capture: Capture, fault: Callable[[bytes], bytes]) -> None:
    with serial_device(with_value(capture, fault)) as device:
        bus = make_bus(serial_settings(capture.profile.protocols, device.device), RealClock())
        driver = capture.profile.driver(bus, capture.unit)
        with pytest.raises(BadReply):
            await driver.read()
        device.script = recorded(capture)
        capture.check(await driver.read())
        await bus.close()


async def test_a_dead_probe_costs_one_question_a_turn() -> None:
    await asyncio.gather(*map(dead, HEALTHY))


async def dead(capture: Capture) -> None:
    with serial_device(lambda request, send: None) as device:
        bus = make_bus(serial_settings(capture.profile.protocols, device.device), RealClock())
        driver = capture.profile.driver(bus, capture.unit)
        for _ in range(2):  # SDI-12 asks a sensor that was well again, before it believes that
            device.heard.clear()
            with pytest.raises(NoReply, match=f"no answer to .* on {device.device}"):
                await driver.read()
        assert len(device.heard) == 1
        await bus.close()


async def test_a_late_answer_is_nobodys_value() -> None:
    await asyncio.gather(*map(late, HEALTHY))


async def late(capture: Capture) -> None:
    """The answer with the values comes after its timeout, with other values; the next turn sees the new water only."""
    responses = dict(capture.exchanges)
    asked = value_request(capture)
    given_s = getattr(capture.profile, "answer_within_s", TIMEOUT_S)

    def too_late(request: bytes, send: Send) -> None:
        if request != asked:
            send(responses[request])
            return
        later(given_s + QUIET_S / 3, send, responses[request].replace(b"2", b"3").replace(b"7", b"8"))

    with serial_device(too_late) as device:
        bus = make_bus(serial_settings(capture.profile.protocols, device.device), RealClock())
        driver = capture.profile.driver(bus, capture.unit)
        with pytest.raises(ProbeError):
            await driver.read()
        device.script = recorded(capture)
        capture.check(await driver.read())
        await bus.close()
