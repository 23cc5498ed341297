"""What every Modbus probe model promises, whatever the wire does to it."""

import asyncio
from collections.abc import Callable

import pytest

from agent.domain.errors import BadReply, NoReply, ProbeError, Refused
from agent.domain.farm import MODBUS
from agent.domain.reading import Missing
from drivers.bus import make_bus
from tests.drivers import captures
from tests.drivers.captures import Capture
from tests.drivers.devices import QUIET_S, TIMEOUT_S, RealClock, Script, Send, later, rtu, rtu_settings, serial_device

HEALTHY = [capture for capture in captures.HEALTHY.values() if capture.profile.protocols == MODBUS]


def crc_error(request: bytes, response: bytes) -> bytes:
    return response[:-1] + bytes((response[-1] ^ 0x55,))


def refusal(request: bytes, response: bytes) -> bytes:
    return rtu(bytes((request[0], request[1] | 0x80, 2)))


def other_unit(request: bytes, response: bytes) -> bytes:
    return rtu(bytes((response[0] + 1,)) + response[1:-2])


def other_function(request: bytes, response: bytes) -> bytes:
    return rtu(bytes((response[0], response[1] ^ 7)) + response[2:-2])


def too_short(request: bytes, response: bytes) -> bytes:
    return rtu(response[:2] + bytes((response[2] - 2,)) + response[3:-4])


def too_long(request: bytes, response: bytes) -> bytes:
    return rtu(response[:2] + bytes((response[2] + 2,)) + response[3:-2] + b"\0\0")


def torn(request: bytes, response: bytes) -> bytes:
    return response[:-2]


Fault = Callable[[bytes, bytes], bytes]

FAULTS: dict[Fault, tuple[type[ProbeError], str]] = {
    crc_error: (BadReply, "CRC error"),
    refusal: (Refused, "illegal data address (exception 2)"),
    other_unit: (BadReply, "answered instead"),
    other_function: (BadReply, "function"),
    too_short: (BadReply, "bytes of registers instead of"),
    too_long: (BadReply, "bytes of registers instead of"),
    torn: (BadReply, "broke off"),
}


def recorded(capture: Capture) -> Script:
    """A device that holds what was recorded, and answers any question within it."""
    responses = dict(capture.exchanges)
    held: dict[tuple[int, int], bytes] = {}
    for request, response in capture.exchanges:
        for at in range(3, len(response) - 2, 2):
            held[request[1], int.from_bytes(request[2:4], "big") + at // 2 - 1] = response[at : at + 2]

    def answer(request: bytes) -> bytes:
        first, count = int.from_bytes(request[2:4], "big"), int.from_bytes(request[4:6], "big")
        content = b"".join(held[request[1], address] for address in range(first, first + count))
        return rtu(request[:2] + bytes((len(content),)) + content)

    return lambda request, send: send(responses.get(request) or answer(request))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_a_bad_block_costs_its_own_channels_and_no_others(fault: Fault) -> None:
    cases = [(capture, request) for capture in HEALTHY for request, _ in capture.asked]
    assert len(cases) > len(HEALTHY), "some models read more than one block"
    await asyncio.gather(*(one_bad_block(capture, request, fault) for capture, request in cases))


async def one_bad_block(capture: Capture, bad_request: bytes, fault: Fault) -> None:
    """A refused one is asked for in parts, which are refused, too. All models share the loop: it may be slow."""
    error, words = FAULTS[fault]
    responses = dict(capture.exchanges)

    def answer(request: bytes, send: Send) -> None:
        if request in responses and request != bad_request:
            send(responses[request])
        else:
            send(fault(request, responses[bad_request]))

    with serial_device(answer) as device:
        bus = make_bus(rtu_settings(device.device, timeout_s=5 * TIMEOUT_S), RealClock())
        driver = capture.profile.driver(bus, capture.unit)
        if len(capture.asked) == 1 or bad_request in dict(capture.exchanges[: capture.orders]):
            with pytest.raises(error) as caught:
                await driver.read()
            assert words in str(caught.value), capture
            assert device.device in str(caught.value)
            assert f"unit {capture.unit}" in str(caught.value)
        else:
            values = await driver.read()
            lost = {name for name, value in values.items() if isinstance(value, Missing) and words in value.because}
            assert lost, capture
            for name in values.keys() - lost - capture.missing.keys():
                assert values[name] == pytest.approx(capture.expect[name]), capture

        # And the next turn is a good one: the bus has recovered by itself.
        device.script = recorded(capture)
        capture.check(await driver.read())
        await bus.close()


@pytest.mark.parametrize("capture", HEALTHY, ids=str)
async def test_a_silent_probe_costs_one_request_a_turn(capture: Capture) -> None:
    with serial_device(lambda request, send: None) as device:
        bus = make_bus(rtu_settings(device.device), RealClock())
        with pytest.raises(NoReply, match=rf"no reply in {TIMEOUT_S:g} s on {device.device}, unit {capture.unit}"):
            await capture.profile.driver(bus, capture.unit).read()
        assert len(device.heard) == 1
        await bus.close()


@pytest.mark.parametrize("capture", HEALTHY, ids=str)
async def test_no_number_is_no_value(capture: Capture) -> None:
    """All bits set: NaN for floats, and -1 or 65535 for integers (which are numbers)."""
    good, asked = recorded(capture), dict(capture.asked)

    def all_bits_set(request: bytes, send: Send) -> None:
        if request in asked:
            send(rtu(asked[request][:3] + b"\xff" * (2 * request[5])))
        else:
            good(request, send)

    with serial_device(all_bits_set) as device:
        bus = make_bus(rtu_settings(device.device), RealClock())
        values = await capture.profile.driver(bus, capture.unit).read()
        for name in capture.expect:
            value = values[name]
            assert isinstance(value, Missing) or capture.file.parent.name.startswith("seeed")
        await bus.close()


@pytest.mark.parametrize("capture", HEALTHY, ids=str)
async def test_a_late_reply_is_nobodys_value(capture: Capture) -> None:
    """The first turn's answers come after their timeouts; the second turn must see the new water only."""
    responses = dict(capture.exchanges)

    def too_late(request: bytes, send: Send) -> None:
        old = rtu(responses[request][:3] + b"\x11" * (2 * request[5]))
        later(TIMEOUT_S + QUIET_S / 3, send, old)

    with serial_device(too_late) as device:
        bus = make_bus(rtu_settings(device.device), RealClock())
        driver = capture.profile.driver(bus, capture.unit)
        with pytest.raises(ProbeError):
            await driver.read()
        device.script = recorded(capture)
        capture.check(await driver.read())
        await bus.close()
