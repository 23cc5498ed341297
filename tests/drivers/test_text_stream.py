"""Instruments that stream: the newest whole line counts, once; and a profile says what is in it."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.errors import BadReply, BusError, NoReply
from agent.domain.farm import BusSettings, Protocol, SerialLine
from agent.domain.reading import Missing
from drivers import ProfileError, profile
from drivers.bus.text_stream import LONGEST_LINE, TextStream
from drivers.probes.text_instrument import TextProfile
from simulators import lines
from simulators.clock import Clock
from simulators.probe import Senses, perfect
from simulators.twins.nmea_mtw import NmeaMtw, sentence
from tests.drivers import captures
from tests.drivers.captures import Capture
from tests.drivers.devices import RealClock, SerialDevice, later, serial_device
from tests.simulators.stage import StillWater

GOOD = r"""
protocol = "text-stream"
title = "Test instrument"
manufacturer = "Nobody"
manual = "none"
line = '(?P<temperature>\S+) C;\s*(?P<ph>[^;]*)'
ignore = '#.*'
example = "17.5 C; 7.25"
max_age_s = 0.3
bad = [-99]

[[channel]]
name = "temperature"
quantity = "Temperature"
unit = "°C"

[[channel]]
name = "ph"
quantity = "pH"
unit = "pH"
scale = 0.1
bad = [0]
"""


MTW = cast(TextProfile, profile("nmea-0183-mtw"))


def settings(device: str | Path) -> BusSettings:
    return BusSettings("deck", Protocol.TEXT_STREAM, SerialLine(str(device), 4800), 0.2)


def model(folder: Path, old: str = "", new: str = "") -> TextProfile:
    (folder / "mine.toml").write_text(GOOD.replace(old, new, 1))
    found = profile("mine", folder)
    assert isinstance(found, TextProfile)
    return found


@asynccontextmanager
async def stream() -> AsyncIterator[tuple[SerialDevice, TextStream]]:
    """An instrument that has just ended the line that was under way."""
    with serial_device(lambda request, send: None) as device:
        bus = TextStream(settings(device.device), RealClock())
        await bus.open()
        device.send(b"\r\n")
        await asyncio.sleep(0.01)
        yield device, bus
        await bus.close()


def any_line(line: str) -> bool:
    return True


@pytest.mark.parametrize("capture", captures.STREAMS, ids=str)
async def test_the_lines_of_a_capture_mean_what_it_says(capture: Capture) -> None:
    async with stream() as (device, bus):
        for _, response in capture.exchanges:
            device.send(response)
        capture.check(await capture.profile.driver(bus, capture.unit).read())


@pytest.mark.parametrize(
    ("pieces", "line"),
    [
        ((b"17.5\r\n",), "17.5"),
        ((b"17.5\n",), "17.5"),
        ((b"17.5\r",), "17.5"),
        ((b"17", b".5", b"\r", b"\n"), "17.5"),
        ((b"17.1\r\n17.2\r\n17.3\r\n17",), "17.3"),
        ((b"\r\n\r\n 17.5 \r\n\r\n",), "17.5"),
        ((b"17.5\r\n" + b"9" * LONGEST_LINE + b"9\r\n",), "17.5"),
        ((b"17.5\r\n" + b"9" * 5000, b"9" * 5000, b"\r\n"), "17.5"),
    ],
)
async def test_the_newest_whole_line_counts(pieces: tuple[bytes, ...], line: str) -> None:
    async with stream() as (device, bus):
        for piece in pieces:
            device.send(piece)
            await asyncio.sleep(0.01)
        assert await bus.newest_line(any_line, 0.1) == line


async def test_half_a_line_is_no_line() -> None:
    """Whoever opens the port hears the end of a line first: 7.5 is not 17.5."""
    with serial_device(lambda request, send: None) as device:
        bus = TextStream(settings(device.device), RealClock())
        await bus.open()
        device.send(b"7.5\r\n18.5\r\n")
        assert await bus.newest_line(any_line, 0.2) == "18.5"
        await bus.close()


async def test_no_line_is_given_twice() -> None:
    async with stream() as (device, bus):
        device.send(b"17.5\r\n")
        await bus.newest_line(any_line, 0.1)
        with pytest.raises(NoReply, match=rf"no line in 0\.1 s on {device.device}$"):
            await bus.newest_line(any_line, 0.1)
        later(0.03, device.send, b"17.6\r\n")
        assert await bus.newest_line(any_line, 0.5) == "17.6"


async def test_a_stale_line_is_nobodys_value() -> None:
    async with stream() as (device, bus):
        device.send(b"17.5\r\n")
        await asyncio.sleep(0.1)
        with pytest.raises(NoReply):
            await bus.newest_line(any_line, 0.05)
        with pytest.raises(NoReply):
            await bus.newest_line(any_line, 0.3)


async def test_what_never_ends_is_told() -> None:
    async with stream() as (device, bus):
        device.send(b"\xf0\x9f" * 20)
        with pytest.raises(NoReply, match=r"has no line end \(is the baud rate right"):
            await bus.newest_line(any_line, 0.05)


async def test_an_instrument_pulled_and_plugged_again_needs_no_restart(tmp_path: Path) -> None:
    channels = {name: perfect(sense) for name, sense in NmeaMtw.channels.items()}
    twin = NmeaMtw(Senses(channels, StillWater(), Clock()))
    twin.every_s = 0.05
    line = lines.TextLine(tmp_path / "tty", twin)
    await line.plug()
    driver = profile("nmea-0183-mtw").driver(bus := TextStream(settings(line.link), RealClock()), 0)
    assert await driver.read() == {"temperature": 17.5}
    await line.unplug()
    with pytest.raises(BusError, match=r"was lost|cannot open"):
        await driver.read()
    with pytest.raises(BusError, match="cannot open"):
        await driver.read()
    await line.plug()
    assert await driver.read() == {"temperature": 17.5}
    twin.faults.crc_error = True
    await asyncio.sleep(0.1)
    with pytest.raises(BadReply, match=r"bad line on deck: '.*': checksum error"):
        await driver.read()
    await bus.close()
    await line.unplug()


@pytest.mark.parametrize(
    ("line", "temperature", "ph"),
    [
        ("17.5 C; 72.5", 17.5, 7.25),
        ("-1e1 C;70", -10.0, 7.0),
        ("-99 C; 70", "reports -99, which means no value", 7.0),
        ("17.5 C; 0", 17.5, "reports 0, which means no value"),
        ("17.5 C; ", 17.5, "leaves out ph"),
        ("17.5 C; ----", 17.5, "says '----'"),
        ("17,5 C; nan", "says '17,5'", "says 'nan'"),
        ("1_7 C; inf", "says '1_7'", "says 'inf'"),
        ("1e999 C; ٧", "reports inf", "says '٧'"),
    ],
)
def test_what_a_line_says(tmp_path: Path, line: str, temperature: float | str, ph: float | str) -> None:
    for value, expected in zip(model(tmp_path).values(line).values(), (temperature, ph), strict=True):
        if isinstance(expected, str):
            assert isinstance(value, Missing)
            assert expected in value.because
        else:
            assert value == pytest.approx(expected)


async def test_a_line_of_another_shape_is_no_value_and_one_to_be_ignored_is_none(tmp_path: Path) -> None:
    async with stream() as (device, bus):
        driver = model(tmp_path).driver(bus, 0)
        device.send(b"17.5 C; 72.5\r\n# all is well\r\n")
        assert await driver.read() == {"temperature": 17.5, "ph": 7.25}
        device.send(b"17.5 C; 72.5\r\nERR 7\r\n")
        with pytest.raises(BadReply, match="bad line on deck: 'ERR 7': the line does not look like one"):
            await driver.read()


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TextProfile]:
    yield model(tmp_path_factory.mktemp("profiles"))


@given(line=st.text(max_size=40) | st.from_regex(r"[^;]{0,9} C; ?[^;]{0,9}", fullmatch=True))
def test_any_line_gives_finite_values_or_reasons(mine: TextProfile, line: str) -> None:
    try:
        values = mine.values(line)
    except ValueError:
        return
    assert all(isinstance(value, Missing) or abs(value) < 1e300 for value in values.values())


@given(st.floats(-5, 50).map(lambda value: f"{value:.2f}"), st.integers(0, 60), st.characters(codec="ascii"))
def test_a_changed_character_never_passes_the_checksum(value: str, place: int, other: str) -> None:
    said = sentence(f"YXMTW,{value},C")
    place %= len(said)
    damaged = said[:place] + other + said[place + 1 :]
    assert MTW.values(said) == {"temperature": float(value)}
    if damaged.lower() != said.lower():
        with pytest.raises(ValueError, match=r"checksum|does not look like"):
            MTW.values(damaged)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"text-stream"', '"text-steam"', "protocol = 'text-steam': did you mean 'text-stream'?"),
        (r"(?P<ph>[^;]*)", "(?P<ph>[^;]*", "not a regular expression: missing ), unterminated subpattern at character"),
        (r"(?P<ph>[^;]*)", "(?P<pH>[^;]*)", "line has no group (?P<ph>…) for the channel 'ph'"),
        (r"(?P<ph>[^;]*)", "(?P<pH>[^;]*)", "line has a group 'pH', and no [[channel]] of that name"),
        (r"(?P<ph>[^;]*)", r"(?P<ph>(\d+\.?)+)!", "takes too long on a line such as '17.5 C; 777"),
        (r"'#.*'", r"'(.+)*!'", "ignore = '(.+)*!': takes too long on a line"),
        (r"'#.*'", r"'.*'", "example = '17.5 C; 7.25': `ignore` matches it, too"),
        ("7.25", "7,25", "example = '17.5 C; 7,25': gives no ph: the instrument says '7,25'"),
        ("17.5 C", "17.5 F", "example = '17.5 F; 7.25': the line does not look like one of this model"),
        ("max_age_s = 0.3", "max_age_s = -1", "max_age_s = -1.0: use seconds, zero or more"),
        ("max_age_s = 0.3", 'checksum = "crc"', "checksum = 'crc': use one of none, nmea"),
        ("max_age_s = 0.3", 'checksum = "nmea"', "example = '17.5 C; 7.25': it has no checksum"),
        ("max_age_s = 0.3", "max_age = 1", "max_age = 1: unknown key; did you mean 'max_age_s'?"),
        ('example = "17.5 C; 7.25"', "", "example is missing: show a line as it comes"),
        ('name = "ph"', 'name = "temperature"', "channel name 'temperature' is used twice"),
        ('unit = "pH"', 'unit = "mV"', "channel[2].unit = 'mV': use one of pH"),
    ],
)
def test_a_wrong_profile_says_what_to_do(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in GOOD
    with pytest.raises(ProfileError, match=re.escape(problem)) as caught:
        model(tmp_path, old, new)
    assert len(caught.value.problems) <= 2
