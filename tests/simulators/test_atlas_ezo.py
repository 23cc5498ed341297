"""EZO circuits on a UART, as their datasheets say."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import serial

from simulators.clock import Clock
from simulators.lines import TextLine
from simulators.probe import Senses, perfect
from simulators.twins import TEXT_TWINS
from simulators.twins.ezo import EzoTwin
from simulators.water import Water
from tests.simulators.stage import POND_WATER, StillWater


class Uart:
    """One circuit without its delays, unless `patient`, and the gateway's end of its line."""

    def __init__(self, twin: EzoTwin, port: serial.Serial) -> None:
        self.twin, self._port = twin, port

    async def hear(self, seconds: float) -> str:
        await asyncio.sleep(seconds)
        heard: bytes = self._port.read(4096)
        return heard.decode("ascii")

    async def hear_until(self, words: str, within_s: float = 5.0) -> str:
        heard, end = "", time.monotonic() + within_s
        while time.monotonic() < end and words not in heard:
            heard += await self.hear(0.005)
        return heard

    async def say(self, command: str, until: str = "*OK\r", within_s: float = 5.0) -> str:
        self._port.write(command.encode("ascii") + b"\r")
        return await self.hear_until(until, within_s)


@contextlib.asynccontextmanager
async def circuit(model: str, folder: Path, water: Water = POND_WATER, patient: bool = False) -> AsyncIterator[Uart]:
    found = TEXT_TWINS[model]
    assert issubclass(found, EzoTwin)
    kind = found
    if not patient:
        kind = type(kind.__name__, (kind,), {"read_s": 0.0, "calibration_s": 0.0, "boot_s": 0.0})
    channels = {name: perfect(sense) for name, sense in kind.channels.items()}
    twin = kind(Senses(channels, StillWater(water), Clock()))
    line = TextLine(folder / "tty", twin)
    await line.plug()
    try:
        with serial.Serial(str(line.link), 9600, timeout=0) as port:
            yield Uart(twin, port)
    finally:
        await line.unplug()


async def test_after_power_up_it_reports_every_second_until_told_not_to(tmp_path: Path) -> None:
    async with circuit("atlas-ezo-ph", tmp_path, patient=True) as uart:
        assert (await uart.hear_until("7.250\r")).endswith("*RE\r7.250\r")
        assert await uart.say("C,0") == "*OK\r"
        assert await uart.say("c,?") == "?C,0\r*OK\r"
        assert await uart.hear(1.2) == ""


async def test_a_reading_takes_the_time_of_the_datasheet(tmp_path: Path) -> None:
    async with circuit("atlas-ezo-ph", tmp_path, patient=True) as uart:
        await uart.say("C,0")
        began = time.monotonic()
        assert await uart.say("R") == "7.250\r*OK\r"
        assert 0.85 < time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("I", "?I,pH,2.16\r*OK\r"),
        ("Status", "?Status,P,5.038\r*OK\r"),
        ("Slope,?", "?Slope,99.7,100.3,-0.89\r*OK\r"),
        ("Cal,?", "?Cal,0\r*OK\r"),
        ("T,?", "?T,25.0\r*OK\r"),
        ("RT,19.5", "7.250\r*OK\r"),
        ("Find", "*OK\r"),
        ("Name,?", "?Name,\r*OK\r"),
    ],
)
async def test_ph_commands(tmp_path: Path, command: str, answer: str) -> None:
    async with circuit("atlas-ezo-ph", tmp_path) as uart:
        await uart.say("C,0")
        assert await uart.say(command) == answer


@pytest.mark.parametrize("command", ["Q", "", "Cal,banana,7", "Cal,mid,seven", "T,warm", "C,100", "C", "R,1", "O,?"])
async def test_what_is_not_understood_is_refused(tmp_path: Path, command: str) -> None:
    async with circuit("atlas-ezo-ph", tmp_path) as uart:
        await uart.say("C,0")
        assert await uart.say(command, "\r") == "*ER\r"


async def test_calibrating_at_mid_forgets_low_and_high(tmp_path: Path) -> None:
    async with circuit("atlas-ezo-ph", tmp_path) as uart:
        await uart.say("C,0")
        for step in ("mid,7.00", "low,4.00", "high,10.00"):
            assert await uart.say(f"Cal,{step}") == "*OK\r"
        assert await uart.say("Cal,?") == "?Cal,3\r*OK\r"
        await uart.say("Cal,mid,7.00")
        assert await uart.say("Cal,?") == "?Cal,1\r*OK\r"


async def test_ok_can_be_switched_off(tmp_path: Path) -> None:
    async with circuit("atlas-ezo-ph", tmp_path) as uart:
        await uart.say("C,0")
        assert await uart.say("*OK,0", within_s=0.05) == ""
        assert await uart.say("R", within_s=0.3) == "7.250\r"


async def test_oxygen_comes_in_a_fixed_order(tmp_path: Path) -> None:
    async with circuit("atlas-ezo-do", tmp_path) as uart:
        await uart.say("C,0")
        assert await uart.say("R") == "8.00\r*OK\r"
        assert await uart.say("O,%,1") == "*OK\r"
        assert await uart.say("O,?") == "?,O,%,mg\r*OK\r"
        assert await uart.say("R") == "8.00,80.0\r*OK\r"
        await uart.say("O,mg,0")
        await uart.say("O,%,0")
        assert await uart.say("R") == "no output\r*OK\r"


async def test_conductivity_is_as_compensated_as_told(tmp_path: Path) -> None:
    async with circuit("atlas-ezo-ec", tmp_path) as uart:
        await uart.say("C,0")
        assert await uart.say("R") == "15000\r*OK\r"
        await uart.say("T,17.5")
        await uart.say("O,S,1")
        assert await uart.say("R") == "17510,10.31\r*OK\r"
        assert await uart.say("K,?") == "?K,1.0\r*OK\r"


async def test_temperature_scales_and_a_missing_probe(tmp_path: Path) -> None:
    async with circuit("atlas-ezo-rtd", tmp_path) as uart:
        await uart.say("C,0")
        assert await uart.say("R") == "17.500\r*OK\r"
        await uart.say("S,k")
        assert await uart.say("R") == "290.650\r*OK\r"
    async with circuit("atlas-ezo-rtd", tmp_path, replace(POND_WATER, temperature_c=None)) as uart:
        await uart.say("C,0")
        assert await uart.say("R") == "-1023.000\r*OK\r"


async def test_without_a_value_there_is_a_word_or_nothing(tmp_path: Path) -> None:
    async with circuit("atlas-ezo-ph", tmp_path, Water()) as uart:
        await uart.say("C,0")
        assert await uart.say("R") == "check probe\r*OK\r"
    async with circuit("atlas-ezo-do", tmp_path, Water()) as uart:
        await uart.say("C,0")
        assert await uart.say("R", within_s=0.3) == "*OK\r"


async def test_it_sleeps_and_wakes(tmp_path: Path) -> None:
    async with circuit("atlas-ezo-ph", tmp_path) as uart:
        await uart.say("C,0")
        assert await uart.say("Sleep", "*SL\r") == "*SL\r"
        assert await uart.say("I") == "*WA\r?I,pH,2.16\r*OK\r"


async def test_faults_show_on_the_text_too(tmp_path: Path) -> None:
    async with circuit("atlas-ezo-ph", tmp_path) as uart:
        await uart.say("C,0")
        faults = uart.twin.faults
        faults.silence = True
        assert await uart.say("R", within_s=0.05) == ""
        faults.silence, faults.exception = False, 1
        assert await uart.say("R", "\r") == "*ER\r"
        faults.exception, faults.crc_error = 0, True
        assert await uart.say("R", within_s=0.3) == "v.250\rkOK\r"
        faults.crc_error, faults.unplugged = False, True
        assert await uart.say("R", within_s=0.15) == ""
        faults.unplugged = False
        assert await uart.hear_until("7.250\r") == "*RS\r*RE\r7.250\r"
