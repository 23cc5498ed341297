"""SDI-12: text taken apart without mercy, and a measurement as the conversation that it is."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.errors import BadReply, NoReply
from drivers import sdi12
from drivers.bus.sdi12 import Sdi12Line
from simulators import lines
from simulators.clock import Clock
from simulators.probe import Sense, Senses
from simulators.twins import sdi12 as twin_side
from simulators.twins.sdi12 import Sdi12Twin
from tests.drivers.devices import QUIET_S, TIMEOUT_S, RealClock, Script, Send, later, sdi12_settings, serial_device
from tests.simulators.stage import StillWater

VECTORS = ["0+3.14OqZ", "0+3.14+2.718+1.414Ipz", "0+3.14+2.718IWO"]  # of the specification

anything = st.binary(max_size=40).map(lambda raw: raw.decode("latin-1"))


def written(sign: str, digits: str, point: int) -> str:
    """Digits with a sign and a decimal point after so many of them; none when that is more than there are."""
    return sign + (digits if point > len(digits) else f"{digits[:point]}.{digits[point:]}")


numbers = st.lists(
    st.builds(written, st.sampled_from("+-"), st.text("0123456789", min_size=1, max_size=7), st.integers(0, 8)),
    max_size=9,
)


@pytest.mark.parametrize("vector", VECTORS)
def test_the_crc_is_that_of_the_specification(vector: str) -> None:
    assert sdi12.crc(vector[:-3]) == vector[-3:] == twin_side.crc(vector[:-3])
    assert sdi12.values(vector, "0", checked=True) == tuple(map(float, vector[2:-3].split("+")))


@given(numbers)
def test_every_list_of_values_is_read_as_it_was_written(texts: list[str]) -> None:
    answer = "7" + "".join(texts)
    assert sdi12.values(answer, "7", checked=False) == tuple(map(float, texts))
    assert sdi12.values(answer + sdi12.crc(answer), "7", checked=True) == tuple(map(float, texts))


@given(numbers, st.data())
def test_no_changed_character_passes_the_crc(texts: list[str], data: st.DataObject) -> None:
    answer = "7" + "".join(texts)
    answer += sdi12.crc(answer)
    place = data.draw(st.integers(0, len(answer) - 1))
    other = data.draw(st.characters(min_codepoint=0x20, max_codepoint=0x7E).filter(lambda c: c != answer[place]))
    with pytest.raises(sdi12.NotSdi12):
        sdi12.values(answer[:place] + other + answer[place + 1 :], "7", checked=True)


@given(anything, st.sampled_from("0aZ"), st.sampled_from(sdi12.COMMANDS), st.booleans())
def test_any_text_is_an_answer_or_is_told_to_be_none(text: str, address: str, command: str, checked: bool) -> None:
    for meaning in (lambda: sdi12.values(text, address, checked), lambda: sdi12.started(text, address, command)):
        try:
            meaning()
        except sdi12.NotSdi12 as error:
            assert repr(text)[1:-1] in str(error)
        else:
            assert text.startswith(address)


@pytest.mark.parametrize(
    "answer",
    ["", "0", "1+1", "0 +1", "0+", "0+.", "0+1.2.3", "0+12345678", "0+1,2", "0+1e3", "0+nan", "0٣", "0+٣", "0+1 "],
)
def test_what_is_no_value_is_never_one(answer: str) -> None:
    if answer == "0":
        assert sdi12.values(answer, "0", checked=False) == ()
        return
    with pytest.raises(sdi12.NotSdi12):
        sdi12.values(answer, "0", checked=False)


class Nine(Sdi12Twin):
    """Nine values that do not fit into one answer."""

    model = "nine"
    identity = "13NOBODY  NINE  100"
    channels: ClassVar = {"temperature": Sense("temperature_c")}
    measure_s = 0.05

    def numbers(self) -> list[str]:
        return [f"{sign}{n}.2345" for n, sign in enumerate("+-+-+-+-+", 1)]


VALUES = (1.2345, -2.2345, 3.2345, -4.2345, 5.2345, -6.2345, 7.2345, -8.2345, 9.2345)


@asynccontextmanager
async def line(
    folder: Path, *addresses: str, echo: bool = False, timeout_s: float = 2.0
) -> AsyncIterator[tuple[list[Nine], Sdi12Line]]:
    twins = [Nine(Senses(Nine.channels, StillWater(), Clock()), address) for address in addresses]
    wire = lines.Sdi12Line(folder / "tty", twins, echo=echo)
    await wire.plug()
    bus = Sdi12Line(sdi12_settings(wire.link, timeout_s=timeout_s), RealClock())
    try:
        yield twins, bus
    finally:
        await bus.close()
        await wire.unplug()


@pytest.mark.parametrize("command", ["M", "MC", "C", "CC"])
@pytest.mark.parametrize("echo", [False, True])
async def test_sensors_on_one_line_are_told_apart(tmp_path: Path, command: str, echo: bool) -> None:
    async with line(tmp_path, "0", "1", "b", echo=echo) as (_, bus):
        assert await asyncio.gather(*(bus.measure(address, command, 5) for address in "b01")) == [VALUES] * 3


async def test_a_service_request_ends_the_waiting() -> None:
    def ready_at_once(request: bytes, send: Send) -> None:
        send({b"0M!": b"00041\r\n0\r\n", b"0D0!": b"0+7\r\n"}[request])

    with serial_device(ready_at_once) as device:
        bus = Sdi12Line(sdi12_settings(device.device), RealClock())
        began = time.monotonic()
        assert await bus.measure("0", "M", 5) == (7.0,)
        assert time.monotonic() - began < 3.5, "the sensor asked for four seconds and was ready at once"
        await bus.close()


async def test_without_a_service_request_the_time_is_waited_out() -> None:
    asked: list[tuple[bytes, float]] = []

    def silent_worker(request: bytes, send: Send) -> None:
        asked.append((request, time.monotonic()))
        send({b"0M!": b"00011\r\n", b"0D0!": b"0+7\r\n"}[request])

    with serial_device(silent_worker) as device:
        bus = Sdi12Line(sdi12_settings(device.device), RealClock())
        assert await bus.measure("0", "M", 5) == (7.0,)
        await bus.close()
    assert [request for request, _ in asked] == [b"0M!", b"0D0!"]
    assert asked[1][1] - asked[0][1] > 0.99


async def test_concurrent_measurements_share_the_line(tmp_path: Path) -> None:
    async with line(tmp_path, "0", "1", "2") as (_, bus):
        began = time.monotonic()
        await asyncio.gather(*(bus.measure(address, "CC", 5) for address in "012"))
        assert time.monotonic() - began < 2.9, "three seconds, one after the other"


async def test_a_dead_sensor_is_asked_three_times_at_first_and_then_once_a_turn() -> None:
    asked: list[bytes] = []
    with serial_device(lambda request, send: asked.append(request)) as device:
        bus = Sdi12Line(sdi12_settings(device.device), RealClock())
        for times in (3, 4, 5):
            with pytest.raises(NoReply, match=r"no answer to 0M! in 0\.15 s on"):
                await bus.measure("0", "M", 5)
            async with asyncio.timeout(30):  # the device reads in a thread of its own
                while len(asked) < times:
                    await asyncio.sleep(0.01)
            assert asked == [b"0M!"] * times
        await bus.close()


async def test_a_sensor_that_comes_back_is_heard_at_once(tmp_path: Path) -> None:
    async with line(tmp_path, "0", timeout_s=0.5) as (twins, bus):
        twins[0].faults.silence = True
        with pytest.raises(NoReply):
            await bus.measure("0", "M", 5)
        twins[0].faults.silence = False
        assert await bus.measure("0", "M", 5) == VALUES


def scripted(*answers: bytes) -> tuple[list[bytes], Script]:
    """The answers in order, whatever the questions; those are kept."""
    left, heard = list(answers), []

    def script(request: bytes, send: Send) -> None:
        heard.append(request)
        if left:
            send(left.pop(0))

    return heard, script


@pytest.mark.parametrize("bad", [b"1+9\r\n", b"0+9\xff\r\n", b"0+9", b"", b"0+9IWO\r\n"])
async def test_a_bad_answer_is_asked_for_again(bad: bytes) -> None:
    good = b"0+3.14+2.718IWO\r\n"
    heard, script = scripted(b"00002\r\n", bad, bad, good)
    with serial_device(script) as device:
        bus = Sdi12Line(sdi12_settings(device.device), RealClock())
        assert await bus.measure("0", "MC", 5) == (3.14, 2.718)
        await bus.close()
    assert heard == [b"0MC!", b"0D0!", b"0D0!", b"0D0!"]


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([b"00002\r\n"] + [b"1+9\r\n"] * 3, "sensor 1 answered instead of 0"),
        ([b"0002\r\n"] * 3, "does not say when how many values"),
        ([b"00602\r\n"] * 3, "wants 60 s, more than 5"),
        ([b"00002\r\n", b"0+9\r\n", b"0\r\n"], "gave 1 values instead of 2"),
        ([b"00002\r\n", b"0+9+9+9\r\n"], "gave 3 values instead of 2"),
        ([b"00000\r\n", b"0\r\n"], None),
        ([b"00002\r\n"] + [b"0+9"] * 3, "and no line end"),
    ],
)
async def test_what_is_no_measurement_says_why(answers: list[bytes], words: str | None) -> None:
    _, script = scripted(*answers)
    with serial_device(script) as device:
        bus = Sdi12Line(sdi12_settings(device.device), RealClock())
        if words is None:
            assert await bus.measure("0", "M", 5) == ()
        else:
            with pytest.raises(BadReply, match=words):
                await bus.measure("0", "M", 5)
        await bus.close()


async def test_a_late_answer_is_nobodys_value() -> None:
    """The first D0 is answered after its timeout; what the second one gets is its own."""
    first = True

    def script(request: bytes, send: Send) -> None:
        nonlocal first
        if request == b"0M!":
            send(b"00001\r\n")
        elif first:
            first = False
            later(TIMEOUT_S + QUIET_S / 2, send, b"0+1\r\n")
        else:
            send(b"0+2\r\n")

    with serial_device(script) as device:
        bus = Sdi12Line(sdi12_settings(device.device), RealClock())
        assert await bus.measure("0", "M", 5) == (2.0,)
        await bus.close()


async def test_a_break_that_is_heard_as_zeros_is_overheard() -> None:
    _, script = scripted(b"\0\0" + b"00001\r\n", b"\0" + b"0+2\r\n")
    with serial_device(script) as device:
        bus = Sdi12Line(sdi12_settings(device.device), RealClock())
        assert await bus.measure("0", "M", 5) == (2.0,)
        await bus.close()
