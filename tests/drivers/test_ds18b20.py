"""1-Wire thermometers: what of the kernel's file is a temperature, and a bus that nobody has to wait for."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.errors import BadReply, BusError, NoReply
from agent.domain.farm import BusSettings, Folder, Protocol, TcpEndpoint
from agent.domain.reading import Missing
from drivers import profile
from drivers.bus import make_bus
from drivers.bus.w1_folder import W1Folder
from drivers.probes.ds18b20 import celsius
from simulators import lines
from simulators.probe import Senses, perfect
from simulators.twins.ds18b20 import Ds18b20Twin, crc8
from simulators.water import Water
from tests.drivers import captures
from tests.drivers.captures import Capture
from tests.drivers.devices import RealClock
from tests.simulators.stage import POND_WATER, HandClock, StillWater

DEVICE = "28-0316a2794aff"
OTHER = "28-0316a2794b00"


def settings(folder: Path, timeout_s: float = 0.2) -> BusSettings:
    return BusSettings("thermometers", Protocol.ONE_WIRE, Folder(str(folder)), timeout_s)


def thermometer(unit: str = DEVICE, water: Water = POND_WATER) -> Ds18b20Twin:
    channels = {name: perfect(sense) for name, sense in Ds18b20Twin.channels.items()}
    return Ds18b20Twin(Senses(channels, StillWater(water), HandClock()), unit)


@pytest.mark.parametrize("capture", captures.ONE_WIRE, ids=str)
async def test_the_kernels_file_means_what_the_capture_says(tmp_path: Path, capture: Capture) -> None:
    for device, text in capture.exchanges:
        (tmp_path / device.decode()).mkdir()
        (tmp_path / device.decode() / "w1_slave").write_bytes(text)
    bus = make_bus(settings(tmp_path), RealClock())
    capture.check(await capture.profile.driver(bus, capture.unit).read())


@given(st.integers(-55 * 16, 125 * 16), st.integers(1, 16))
def test_every_temperature_is_read_as_the_twin_wrote_it(sixteenths: int, byte_6: int) -> None:
    told = celsius(Ds18b20Twin.file(sixteenths, byte_6))
    assert isinstance(told, Missing) if (sixteenths, byte_6) == (85 * 16, 0x0C) else told == sixteenths / 16


@given(st.integers(-55 * 16, 125 * 16), st.integers(0, 71), st.integers(1, 16))
def test_a_flipped_bit_is_never_believed(sixteenths: int, bit: int, byte_6: int) -> None:
    """Of the scratchpad, not of the kernel's verdict: YES is not believed either."""
    text = Ds18b20Twin.file(sixteenths, byte_6)
    pad = bytearray.fromhex(text[:26])
    pad[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ValueError, match="CRC error"):
        celsius(pad.hex(" ") + text[26:])


@given(st.text(max_size=80) | st.binary(max_size=80).map(lambda raw: raw.hex(" ") + " : crc=00 YES\n"))
def test_any_text_is_a_temperature_or_told_to_be_none(text: str) -> None:
    try:
        told = celsius(text)
    except ValueError:
        return
    assert isinstance(told, Missing) or -2048 <= told <= 2048


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("00 00 00 00 00 00 00 00 00 : crc=00 YES\n00 00 00 00 00 00 00 00 00 t=0\n", "short-circuited"),
        ("ff ff ff ff ff ff ff ff ff : crc=c9 NO\n19 01 4b 46 7f ff 07 10 eb t=-62\n", "CRC error"),
        ("19 01 4b 46 7f ff 07 10 eb : crc=eb NO\n19 01 4b 46 7f ff 07 10 eb t=17562\n", "CRC error"),
        ("19 01 4b 46 7f ff 07 10 ec : crc=ec YES\n19 01 4b 46 7f ff 07 10 ec t=17562\n", "CRC error"),
        ("t=17562\n", "no scratchpad"),
    ],
)
async def test_a_scratchpad_that_is_none_costs_the_turn(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / DEVICE).mkdir()
    (tmp_path / DEVICE / "w1_slave").write_text(text)
    with pytest.raises(BadReply, match=f"bad answer from {DEVICE} on thermometers: .*{words}"):
        await profile("ds18b20").driver(make_bus(settings(tmp_path), RealClock()), DEVICE).read()


def test_too_little_power_is_told() -> None:
    told = celsius(Ds18b20Twin.file(0x07FF, 0x0C))
    assert isinstance(told, Missing)
    assert "too little power" in told.because


def test_bits_below_the_resolution_mean_nothing() -> None:
    """At 9 bits the thermometer measures half degrees; the data sheet leaves the lower bits undefined."""
    pad = bytes((0x1F, 0x01, 0x4B, 0x46, 0x1F, 0xFF, 0x07, 0x10))
    assert celsius(f"{pad.hex(' ')} {crc8(pad):02x} : crc={crc8(pad):02x} YES\n") == 17.5


async def test_a_thermometer_that_is_not_there_is_told_from_those_that_are(tmp_path: Path) -> None:
    bus = W1Folder(settings(tmp_path / "w1"), RealClock())
    with pytest.raises(BusError, match="w1 is not there: is 1-Wire switched on"):
        await bus.measure(DEVICE)
    twin = thermometer()
    line = lines.W1Folder(tmp_path / "w1", [twin])
    await line.plug()
    assert celsius(await bus.measure(DEVICE)) == 17.5
    with pytest.raises(NoReply, match=rf"{OTHER} is not on .*w1; there are {DEVICE}"):
        await bus.measure(OTHER)
    await line.unplug()


FAULTS: dict[str, Callable[[Ds18b20Twin], None]] = {
    "no answer": lambda twin: setattr(twin.faults, "silence", True),
    "CRC error": lambda twin: setattr(twin.faults, "crc_error", True),
    "is not on": lambda twin: setattr(twin.faults, "unplugged", True),
}


@pytest.mark.parametrize("words", FAULTS)
async def test_a_fault_is_told_and_passes(tmp_path: Path, words: str) -> None:
    twin = thermometer()
    line = lines.W1Folder(tmp_path / "w1", [twin])
    FAULTS[words](twin)
    await line.plug()
    driver = profile("ds18b20").driver(W1Folder(settings(tmp_path / "w1"), RealClock()), DEVICE)
    with pytest.raises((NoReply, BadReply), match=words):
        await driver.read()
    twin.faults.silence = twin.faults.crc_error = twin.faults.unplugged = False
    await line.unplug()
    await line.plug()
    assert await driver.read() == {"temperature": 17.5}
    await line.unplug()


async def test_a_slow_thermometer_holds_up_nobody_and_is_nobody_elses_answer(tmp_path: Path) -> None:
    """A FIFO blocks its reader as the kernel does while it converts."""
    for device in (DEVICE, OTHER):
        (tmp_path / device).mkdir()
    os.mkfifo(slow := tmp_path / DEVICE / "w1_slave")
    (tmp_path / OTHER / "w1_slave").write_text(Ds18b20Twin.file(160, 1))
    bus = W1Folder(settings(tmp_path), RealClock())
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.01)
            turns += 1

    ticking = asyncio.create_task(others())
    with pytest.raises(NoReply, match=rf"no answer from {DEVICE} in 0\.2 s"):
        await bus.measure(DEVICE)
    assert turns > 5
    with pytest.raises(NoReply, match="the kernel still measures"):
        await bus.measure(OTHER)
    await asyncio.to_thread(slow.write_text, Ds18b20Twin.file(320, 1))
    assert celsius(await bus.measure(OTHER)) == 10
    ticking.cancel()


def test_1_wire_needs_a_folder() -> None:
    with pytest.raises(TypeError, match="bus x: 1-Wire needs a folder"):
        W1Folder(BusSettings("x", Protocol.ONE_WIRE, TcpEndpoint("127.0.0.1", 1)), RealClock())
