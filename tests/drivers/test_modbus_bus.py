"""The promises of a Modbus line: one question at a time, and never another question's answer."""

import asyncio
import logging
import os
import subprocess
import sys
import time
import tty
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from agent.domain.errors import BadReply, BusError, NoReply, Refused
from agent.domain.farm import SerialLine
from drivers.bus.modbus import ModbusLine
from drivers.interfaces import Space
from tests.drivers.devices import (
    QUIET_S,
    TIMEOUT_S,
    RealClock,
    Send,
    SerialDevice,
    acknowledgement,
    later,
    reply,
    rtu,
    rtu_settings,
    serial_device,
)


def echo_address(request: bytes, send: Send) -> None:
    """Every register holds its own address."""
    first, count = int.from_bytes(request[2:4], "big"), int.from_bytes(request[4:6], "big")
    send(reply(request, *range(first, first + count)))


def late_once(device: SerialDevice, after_s: float) -> None:
    """The next answer comes `after_s` after its question; those after it come at once."""

    def script(request: bytes, send: Send) -> None:
        device.script = echo_address
        later(after_s, lambda data: echo_address(data, send), request)

    device.script = script


async def test_registers_come_as_asked() -> None:
    with serial_device(echo_address) as device:
        bus = ModbusLine(rtu_settings(device.device), RealClock())
        assert await bus.read(7, Space.HOLDING, 500, 3) == (500, 501, 502)
        assert await bus.read(7, Space.INPUT, 0, 125) == tuple(range(125))
        await bus.close()


@pytest.mark.parametrize("rounds", range(3))
async def test_a_late_reply_never_answers_the_next_question(rounds: int) -> None:
    with serial_device(echo_address) as device:
        bus = ModbusLine(rtu_settings(device.device), RealClock())
        late_once(device, TIMEOUT_S + 0.02)
        with pytest.raises(NoReply):
            await bus.read(1, Space.HOLDING, 500, 1)
        assert await bus.read(1, Space.HOLDING, 700, 1) == (700,)
        await bus.close()


async def test_a_cancelled_question_leaves_no_answer_behind() -> None:
    with serial_device(lambda request, send: None) as device:
        bus = ModbusLine(rtu_settings(device.device, quiet_s=0.5), RealClock())
        reading = asyncio.create_task(bus.read(1, Space.HOLDING, 500, 1))
        while not device.heard:
            await asyncio.sleep(0.001)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        cancelled_s = time.monotonic()
        device.script = echo_address
        device.send(reply(device.heard[0], 500))
        assert await bus.read(1, Space.HOLDING, 700, 1) == (700,)
        assert time.monotonic() - cancelled_s >= TIMEOUT_S + 0.5, "so long it might have come"
        await bus.close()


@pytest.mark.parametrize(
    ("registers", "single", "frame"),
    [
        ([0x1400], False, "01 10 30 00 00 01 02 14 00 99 53"),  # Yosemitech's manual: set the address
        ([], False, "01 10 1C 00 00 00 00 D8 92"),  # and start measuring, a frame of no standard
        ([0x000F], True, "01 06 00 01 00 0F 98 0E"),
        ([1, 2], False, "01 10 00 01 00 02 04 00 01 00 02 E2 62"),
    ],
)
async def test_a_write_goes_out_as_told_and_is_acknowledged(registers: list[int], single: bool, frame: str) -> None:
    with serial_device(lambda request, send: send(acknowledgement(request))) as device:
        bus = ModbusLine(rtu_settings(device.device), RealClock())
        await bus.write(1, int(frame[6:11].replace(" ", ""), 16), registers, single)
        assert device.heard == [bytes.fromhex(frame)]
        device.script = echo_address
        assert await bus.read(1, Space.HOLDING, 700, 1) == (700,)
        await bus.close()


async def test_a_late_acknowledgement_answers_nothing_else() -> None:
    with serial_device(echo_address) as device:
        bus = ModbusLine(rtu_settings(device.device), RealClock())
        device.script = lambda request, send: later(TIMEOUT_S + 0.02, send, acknowledgement(request))
        with pytest.raises(NoReply):
            await bus.write(1, 1, [15])
        device.script = lambda request, send: None
        with pytest.raises(NoReply):
            await bus.write(1, 1, [15])  # the late one, of the same write, must not acknowledge this one
        device.script = echo_address
        assert await bus.read(1, Space.HOLDING, 700, 1) == (700,)
        await bus.close()


async def test_a_write_that_is_refused_or_answered_wrongly_says_so() -> None:
    with serial_device(lambda request, send: send(rtu(bytes((1, 0x90, 3))))) as device:
        bus = ModbusLine(rtu_settings(device.device), RealClock())
        with pytest.raises(Refused, match=r"illegal data value \(exception 3\).*asked to write registers 1 to 1"):
            await bus.write(1, 1, [15])
        device.script = lambda request, send: send(acknowledgement(rtu(bytes((1, 16, 0, 2, 0, 1)))))
        with pytest.raises(BadReply, match="it acknowledges another write"):
            await bus.write(1, 1, [15])
        await bus.close()


async def test_callers_wait_for_each_other() -> None:
    with serial_device(lambda request, send: later(0.005, lambda data: echo_address(data, send), request)) as device:
        bus = ModbusLine(rtu_settings(device.device), RealClock())
        answers = await asyncio.gather(*(bus.read(1, Space.HOLDING, address, 1) for address in range(10)))
        assert answers == [(address,) for address in range(10)]
        assert all(len(request) == 8 for request in device.heard)
        await bus.close()


async def test_an_unasked_copy_of_the_answer_is_thrown_away() -> None:
    """Two probes with one address, or a serial server that repeats itself."""

    def twice(request: bytes, send: Send) -> None:
        echo_address(request, send)
        later(0.01, lambda data: echo_address(data, send), request)

    with serial_device(twice) as device:
        bus = ModbusLine(rtu_settings(device.device), RealClock())
        for address in (500, 700, 900):
            assert await bus.read(1, Space.HOLDING, address, 1) == (address,)
            await asyncio.sleep(0.02)
        await bus.close()


async def test_the_silence_lasts_while_bytes_keep_coming() -> None:
    with serial_device(echo_address) as device:
        bus = ModbusLine(rtu_settings(device.device), RealClock())

        def drip(request: bytes, send: Send) -> None:
            stale = reply(request, 500)
            for index, byte in enumerate(stale):
                later(TIMEOUT_S + 0.02 * index, send, bytes((byte,)))
            device.script = echo_address

        device.script = drip
        with pytest.raises((NoReply, BadReply)):
            await bus.read(1, Space.HOLDING, 500, 1)
        assert await bus.read(1, Space.HOLDING, 700, 1) == (700,)
        await bus.close()


async def test_a_line_that_never_falls_silent_is_an_error_and_not_a_hang() -> None:
    async def babble(device: SerialDevice) -> None:
        while True:
            device.send(b"\x55")
            await asyncio.sleep(0.01)

    with serial_device(lambda request, send: None) as device:
        bus = ModbusLine(rtu_settings(device.device, quiet_s=0.2), RealClock())
        babbling = asyncio.create_task(babble(device))
        with pytest.raises(BusError, match=rf"{device.device} never falls silent"):
            await bus.read(1, Space.HOLDING, 500, 1)
        babbling.cancel()
        device.script = echo_address
        assert await bus.read(1, Space.HOLDING, 500, 1) == (500,)
        await bus.close()


@pytest.mark.parametrize(
    "noise",
    [
        b"\x00",
        b"\xff\xff",
        b"\x01\x03",
        b"\x01\x83\x02",
        b"\x01\x08",
        b"\x01\x2b\x0e",
        bytes(range(60)),
        b"\x01\x03\x02" * 9,
    ],
    ids=lambda noise: noise[:6].hex(),
)
async def test_noise_around_the_answer_does_no_harm(noise: bytes) -> None:
    with serial_device(echo_address) as device:
        bus = ModbusLine(rtu_settings(device.device), RealClock())
        device.script = lambda request, send: send(noise + reply(request, 500))
        assert await bus.read(1, Space.HOLDING, 500, 1) == (500,)
        device.script = lambda request, send: send(reply(request, 500) + noise)
        assert await bus.read(1, Space.HOLDING, 500, 1) == (500,)
        device.script = lambda request, send: send(noise)
        with pytest.raises(BadReply):
            await bus.read(1, Space.HOLDING, 500, 1)
        device.script = echo_address
        assert await bus.read(1, Space.HOLDING, 700, 1) == (700,)
        await bus.close()


async def test_an_adapter_that_echoes_the_question_does_no_harm() -> None:
    def with_echo(request: bytes, send: Send) -> None:
        send(request)
        later(0.005, lambda data: echo_address(data, send), request)

    with serial_device(with_echo) as device:
        bus = ModbusLine(rtu_settings(device.device), RealClock())
        assert await bus.read(1, Space.HOLDING, 0x0200, 1) == (0x0200,)  # the echo looks like the answer's beginning
        assert await bus.read(1, Space.HOLDING, 700, 4) == (700, 701, 702, 703)
        await bus.close()


@pytest.mark.parametrize(("code", "meaning"), [(1, "illegal function"), (6, "device busy"), (99, "unknown exception")])
async def test_a_refusal_tells_its_code_and_meaning(code: int, meaning: str) -> None:
    with serial_device(lambda request, send: send(rtu(bytes((7, 0x83, code))))) as device:
        bus = ModbusLine(rtu_settings(device.device), RealClock())
        with pytest.raises(Refused, match=rf"{meaning} \(exception {code}\) on {device.device}, unit 7") as caught:
            await bus.read(7, Space.HOLDING, 40, 2)
        assert caught.value.code == code
        assert "holding registers 40 to 41" in str(caught.value)
        await bus.close()


async def test_a_vanished_adapter_is_a_bus_error_and_its_return_needs_no_restart(tmp_path: Path) -> None:
    link = tmp_path / "ttyPond"
    with serial_device(echo_address) as device:
        link.symlink_to(device.device)
        bus = ModbusLine(rtu_settings(link), RealClock())
        assert await bus.read(1, Space.HOLDING, 1, 1) == (1,)
        device.script = lambda request, send: device.unplug()
        with pytest.raises(BusError, match=f"{link} was lost"):
            await bus.read(1, Space.HOLDING, 2, 1)
    link.unlink()
    with pytest.raises(BusError, match=f"cannot open {link}: it is not there"):
        await bus.read(1, Space.HOLDING, 3, 1)
    with serial_device(echo_address) as device:
        link.symlink_to(device.device)
        assert await bus.read(1, Space.HOLDING, 4, 1) == (4,)
        await bus.close()


async def test_an_adapter_that_left_while_idle_is_noticed() -> None:
    with serial_device(echo_address) as device:
        bus = ModbusLine(rtu_settings(device.device), RealClock())
        assert await bus.read(1, Space.HOLDING, 1, 1) == (1,)
        device.unplug()
        await asyncio.sleep(0.01)
        with pytest.raises(BusError, match=device.device):
            await bus.read(1, Space.HOLDING, 2, 1)
        await bus.close()


async def test_a_port_of_another_program_is_left_alone() -> None:
    hold = (
        "import fcntl,sys; f=open(sys.argv[1],'rb',0); fcntl.flock(f,fcntl.LOCK_EX); print('held',flush=True); input()"
    )
    with serial_device(echo_address) as device:
        with subprocess.Popen(
            [sys.executable, "-c", hold, device.device], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as other:
            assert other.stdout is not None
            other.stdout.readline()
            bus = ModbusLine(rtu_settings(device.device), RealClock())
            with pytest.raises(BusError, match=f"cannot open {device.device}: another program is using it"):
                await bus.open()
            other.communicate(b"\n")
        await bus.open()
        assert await bus.read(1, Space.HOLDING, 1, 1) == (1,)
        await bus.close()


async def test_two_buses_do_not_share_a_port() -> None:
    with serial_device(echo_address) as device:
        first, second = (ModbusLine(rtu_settings(device.device), RealClock()) for _ in range(2))
        await first.open()
        with pytest.raises(BusError, match="another program is using it"):
            await second.open()
        await first.close()
        await second.open()
        await second.close()


async def test_a_path_that_is_no_serial_port_is_a_bus_error(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.touch()
    bus = ModbusLine(rtu_settings(file), RealClock())
    with pytest.raises(BusError, match=f"cannot open {file}"):
        await bus.open()


async def test_questions_to_a_stuck_adapter_do_not_pile_up() -> None:
    """Its output buffer full, pymodbus would keep every question and send them all when the adapter wakes up."""
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(slave, False)
    with suppress(BlockingIOError):
        while True:
            os.write(slave, b"\xee" * 1024)
    bus = ModbusLine(rtu_settings(os.ttyname(slave), quiet_s=0, timeout_s=0.005), RealClock())
    for _ in range(5):
        with pytest.raises(NoReply):
            await bus.read(1, Space.HOLDING, 1, 1)
    os.set_blocking(master, False)
    with suppress(BlockingIOError):
        while True:
            assert not os.read(master, 4096).strip(b"\xee")
            await asyncio.sleep(0)
    await bus.close()
    os.close(master)
    os.close(slave)


async def test_opening_and_closing_twice_is_harmless() -> None:
    with serial_device(echo_address) as device:
        bus = ModbusLine(rtu_settings(device.device), RealClock())
        await bus.close()
        await bus.open()
        await bus.open()
        await bus.close()
        await bus.close()
        assert await bus.read(1, Space.HOLDING, 1, 1) == (1,)  # reading opens again
        await bus.close()


async def test_pymodbus_says_nothing_by_itself(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with serial_device(lambda request, send: send(rtu(b"\x09\x03\x02\0\0"))) as device:
        bus = ModbusLine(rtu_settings(device.device), RealClock())
        with pytest.raises(BadReply, match="unit 9 answered instead"):
            await bus.read(1, Space.HOLDING, 1, 1)
        await bus.close()
    with pytest.raises(BusError):
        await bus.read(1, Space.HOLDING, 1, 1)
    assert not [record for record in caplog.records if record.name.startswith("pymodbus")]


def test_the_silence_covers_a_default_reply() -> None:
    assert QUIET_S > 0.02, "these tests send late replies 20 ms after the timeout"


async def test_a_port_that_does_not_take_the_settings_is_let_go_again() -> None:
    with serial_device(echo_address) as device:
        settings = rtu_settings(device.device)
        assert isinstance(settings.port, SerialLine)
        odd = ModbusLine(replace(settings, port=replace(settings.port, parity="E")), RealClock())
        with suppress(BusError):  # a pty has no parity: the first time that may pass, the second it does not
            await odd.open()
        await odd.close()
        with pytest.raises(BusError, match="does not take this baud rate, parity"):
            await odd.open()
        bus = ModbusLine(settings, RealClock())
        assert await bus.read(1, Space.HOLDING, 7, 1) == (7,)
        await bus.close()
