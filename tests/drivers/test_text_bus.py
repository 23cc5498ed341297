"""The promises of a text line: one command at a time, and never another command's answer."""

import asyncio
from pathlib import Path

import pytest

from agent.domain.errors import BadReply, BusError, NoReply
from agent.domain.farm import BusSettings, Protocol, TcpEndpoint
from drivers.bus.serial_text import TextLine
from tests.drivers.devices import QUIET_S, RealClock, Script, Send, SerialDevice, later, serial_device, text_settings

WITHIN_S = 0.06


def echo(request: bytes, send: Send) -> None:
    """Every command is answered by its own name."""
    send(b"=" + request + b"*OK\r")


def says(*pieces: bytes) -> Script:
    def script(request: bytes, send: Send) -> None:
        for index, piece in enumerate(pieces):
            later(0.005 * index, send, piece)

    return script


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ((b"7.002\r*OK\r",), ["7.002", "*OK"]),
        ((b"7.0", b"02", b"\r*", b"OK", b"\r"), ["7.002", "*OK"]),
        ((b"*ER\r",), ["*ER"]),
        ((b"7.002\r\n*OK\r\n",), ["7.002", "*OK"]),
        ((b"\r\r 7.002 \r\r*OK\r",), ["7.002", "*OK"]),
        ((b"*RS\r", b"*RE\r", b"7.002\r*OK\r"), ["*RS", "*RE", "7.002", "*OK"]),
        ((b"7.002\r",), ["7.002"]),  # a device with its status lines switched off
        ((b"7.002\r*OK\rnoise",), ["7.002", "*OK"]),
        ((b"R\r", b"7.002\r*OK\r"), ["7.002", "*OK"]),  # the adapter echoes
        ((b"*OK\r", b"7.002\r*OK\r"), ["*OK", "7.002", "*OK"]),  # the end of the answer before
    ],
)
async def test_an_answer_is_its_lines(pieces: tuple[bytes, ...], lines: list[str]) -> None:
    with serial_device(says(*pieces)) as device:
        bus = TextLine(text_settings(device.device), RealClock())
        assert await bus.ask("R", WITHIN_S) == lines
        assert device.heard == [b"R\r"]
        await bus.close()


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (b"", NoReply, "no answer to R in 0.06 s on {}"),
        (b"7.00", BadReply, "bad answer to R on {}"),
        (b"*OK\r", BadReply, "nothing but \\*OK"),
        (b"*OK7.00\r*OK\r", BadReply, "is no status"),
        (b"7.\xff0\r*OK\r", BadReply, "is not text"),
        (b"7.\x000\r*OK\r", BadReply, "is not text"),
    ],
)
async def test_what_is_no_answer_is_an_error(answer: bytes, error: type[Exception], words: str) -> None:
    with serial_device(says(answer) if answer else lambda request, send: None) as device:
        bus = TextLine(text_settings(device.device), RealClock())
        with pytest.raises(error, match=words.format(device.device)):
            await bus.ask("R", WITHIN_S)
        device.script = echo
        assert await bus.ask("C,0", WITHIN_S) == ["=C,0", "*OK"]
        await bus.close()


def late_once(device: SerialDevice) -> None:
    def script(request: bytes, send: Send) -> None:
        device.script = lambda request, send: later(0.03, lambda data: echo(data, send), request)
        later(WITHIN_S + 0.02, lambda data: echo(data, send), request)

    device.script = script


async def test_a_late_answer_never_answers_the_next_command() -> None:
    with serial_device(echo) as device:
        bus = TextLine(text_settings(device.device), RealClock())
        late_once(device)
        with pytest.raises(NoReply):
            await bus.ask("first", WITHIN_S)
        assert await bus.ask("second", WITHIN_S) == ["=second", "*OK"]
        await bus.close()


async def test_without_the_silence_the_late_answer_would_be_believed() -> None:
    with serial_device(echo) as device:
        bus = TextLine(text_settings(device.device, quiet_s=0), RealClock())
        late_once(device)
        with pytest.raises(NoReply):
            await bus.ask("first", WITHIN_S)
        assert await bus.ask("second", WITHIN_S) == ["=first", "*OK"]
        await bus.close()


async def test_a_cancelled_command_leaves_no_answer_behind() -> None:
    with serial_device(echo) as device:
        bus = TextLine(text_settings(device.device), RealClock())
        device.script = lambda request, send: later(0.04, lambda data: echo(data, send), request)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(QUIET_S + 0.01):
                await bus.ask("first", WITHIN_S)
        assert device.heard == [b"first\r"]
        assert await bus.ask("second", WITHIN_S) == ["=second", "*OK"]
        await bus.close()


async def test_what_a_device_says_unasked_is_thrown_away_except_that_it_restarted() -> None:
    with serial_device(echo) as device:
        bus = TextLine(text_settings(device.device), RealClock())
        await bus.open()
        device.send(b"7.001\r*RS\r*RE\r7.0")
        await asyncio.sleep(0.01)
        assert await bus.ask("R", WITHIN_S) == ["*RS", "*RE", "=R", "*OK"]
        assert await bus.ask("R", WITHIN_S) == ["=R", "*OK"]
        await bus.close()


async def test_callers_wait_for_each_other() -> None:
    with serial_device(lambda request, send: later(0.005, lambda data: echo(data, send), request)) as device:
        bus = TextLine(text_settings(device.device), RealClock())
        answers = await asyncio.gather(*(bus.ask(f"command {number}", WITHIN_S) for number in range(5)))
        assert answers == [[f"=command {number}", "*OK"] for number in range(5)]
        await bus.close()


async def test_a_vanished_port_is_a_bus_error_and_its_return_needs_no_restart(tmp_path: Path) -> None:
    link = tmp_path / "ttyLab"
    with serial_device(echo) as device:
        link.symlink_to(device.device)
        bus = TextLine(text_settings(link), RealClock())
        assert await bus.ask("R", WITHIN_S) == ["=R", "*OK"]
        device.script = lambda request, send: device.unplug()
        with pytest.raises(BusError, match=f"{link} was lost"):
            await bus.ask("R", WITHIN_S)
    link.unlink()
    with pytest.raises(BusError, match=f"cannot open {link}: it is not there"):
        await bus.ask("R", WITHIN_S)
    with serial_device(echo) as device:
        link.symlink_to(device.device)
        assert await bus.ask("R", WITHIN_S) == ["=R", "*OK"]
        await bus.close()


async def test_a_port_in_use_is_left_alone() -> None:
    with serial_device(echo) as device:
        first, second = (TextLine(text_settings(device.device), RealClock()) for _ in range(2))
        await first.open()
        await first.open()
        with pytest.raises(BusError, match=f"cannot open {device.device}: another program is using it"):
            await second.open()
        await first.close()
        await first.close()
        await second.open()
        await second.close()


async def test_a_stuck_adapter_is_a_bus_error() -> None:
    with serial_device(lambda request, send: None) as device:
        bus = TextLine(text_settings(device.device, quiet_s=0), RealClock())
        with pytest.raises(BusError, match=f"{device.device} takes no more bytes"):
            await bus.ask("R" * 200_000, WITHIN_S)
        await bus.close()


def test_text_needs_a_serial_port() -> None:
    settings = BusSettings("lab", Protocol.SERIAL_TEXT, TcpEndpoint("127.0.0.1", 1))
    with pytest.raises(TypeError, match="bus lab"):
        TextLine(settings, RealClock())
