"""Twins on real lines: a pseudo-terminal and TCP ports, with everything that goes wrong on a wire."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import serial

from simulators.frames import rtu_frame
from simulators.lines import PtyLine, TcpLine
from simulators.twins.renke_rs_ldo_n01 import RenkeRsLdoN01
from simulators.twins.seeed_s_ph_01 import SeeedSPh01
from tests.simulators.stage import twin_in

READ_PH = rtu_frame(2, bytes.fromhex("03 00 00 00 02"))
PH_ANSWER = rtu_frame(2, bytes.fromhex("03 04 06 D6 02 D5"))
READ_ADDRESS = rtu_frame(1, bytes.fromhex("03 07 D0 00 01"))
ADDRESS_ANSWER = rtu_frame(1, bytes.fromhex("03 02 00 01"))


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[PtyLine]:
    line = PtyLine(tmp_path / "ttyRS485", [twin_in(RenkeRsLdoN01, unit=1), twin_in(SeeedSPh01, unit=2)])
    await line.plug()
    yield line
    await line.unplug()


async def exchange(port: serial.Serial, request: bytes, within_s: float = 3.0, least: int = 9) -> bytes:
    port.write(request)
    answer, until = b"", time.monotonic() + within_s
    while time.monotonic() < until and len(answer) < least:
        await asyncio.sleep(0.005)
        answer += port.read(port.in_waiting)
    return answer


async def test_several_twins_share_a_line(line: PtyLine) -> None:
    with serial.Serial(str(line.link), 9600, timeout=0) as port:
        assert await exchange(port, READ_PH) == PH_ANSWER
        assert await exchange(port, READ_ADDRESS, least=len(ADDRESS_ANSWER)) == ADDRESS_ANSWER
        assert await exchange(port, rtu_frame(9, bytes.fromhex("03 00 00 00 02")), 0.05) == b""


async def test_the_port_can_be_opened_again_and_again(line: PtyLine) -> None:
    for _ in range(3):
        with serial.Serial(str(line.link), 4800, parity="E", timeout=0, exclusive=True) as port:
            assert await exchange(port, READ_PH) == PH_ANSWER


async def test_requests_in_pieces_and_in_one_piece(line: PtyLine) -> None:
    with serial.Serial(str(line.link), 9600, timeout=0) as port:
        port.write(READ_PH[:3])
        await asyncio.sleep(0.003)
        assert await exchange(port, READ_PH[3:]) == PH_ANSWER
        assert await exchange(port, READ_PH + READ_ADDRESS, least=16) == PH_ANSWER + ADDRESS_ANSWER


async def test_rubbish_gets_no_answer_and_does_no_harm(line: PtyLine) -> None:
    with serial.Serial(str(line.link), 9600, timeout=0) as port:
        assert await exchange(port, READ_PH[:-1] + b"\xaa", 0.05) == b""
        assert await exchange(port, b"\x00\xff\x10hello\x03", 0.05) == b""
        assert await exchange(port, READ_PH) == PH_ANSWER


async def test_faults_of_the_wire(line: PtyLine) -> None:
    faults = line.twins[1].faults
    with serial.Serial(str(line.link), 9600, timeout=0) as port:
        faults.silence = True
        assert await exchange(port, READ_PH, 0.05) == b""
        faults.silence, faults.crc_error = False, True
        damaged = await exchange(port, READ_PH)
        assert damaged[:-1] == PH_ANSWER[:-1]
        assert damaged[-1] != PH_ANSWER[-1]
        faults.crc_error, faults.exception = False, 6
        assert await exchange(port, READ_PH, least=5) == rtu_frame(2, b"\x83\x06")
        faults.exception, faults.duplicate = 0, True
        assert await exchange(port, READ_PH, least=18) == PH_ANSWER * 2
        faults.duplicate, faults.foreign = False, True
        assert (await exchange(port, READ_PH))[0] == 3
        faults.foreign, faults.late_s = False, 0.4
        assert await exchange(port, READ_PH, 0.05) == b""
        assert await exchange(port, READ_ADDRESS, least=16) == ADDRESS_ANSWER + PH_ANSWER


async def test_a_stale_reply_answers_the_question_before(line: PtyLine) -> None:
    with serial.Serial(str(line.link), 9600, timeout=0) as port:
        await exchange(port, READ_ADDRESS, least=len(ADDRESS_ANSWER))
        line.twins[0].faults.stale = True
        request = rtu_frame(1, bytes.fromhex("03 07 D1 00 01"))
        assert await exchange(port, request, least=len(ADDRESS_ANSWER)) == ADDRESS_ANSWER


async def test_a_baud_rate_costs_its_time(tmp_path: Path) -> None:
    line = PtyLine(tmp_path / "slow", [twin_in(SeeedSPh01, unit=2)], baud=1200)
    await line.plug()
    with serial.Serial(str(line.link), 1200, timeout=0) as port:
        began = time.monotonic()
        assert await exchange(port, READ_PH, 3.0) == PH_ANSWER
        assert time.monotonic() - began > 17 * 10 / 1200
    await line.unplug()


async def test_a_request_without_silence_before_it_is_lost_on_a_line_with_a_baud_rate(tmp_path: Path) -> None:
    line = PtyLine(tmp_path / "slow", [twin_in(SeeedSPh01, unit=2)], baud=300)
    await line.plug()
    with serial.Serial(str(line.link), 300, timeout=0) as port:
        assert await exchange(port, READ_PH, 3.0) == PH_ANSWER
        assert await exchange(port, READ_PH, 0.3) == b"", "3.5 characters at 300 baud are 117 ms"
        assert await exchange(port, READ_PH, 3.0) == PH_ANSWER
    assert line.collisions == 1
    await line.unplug()


async def test_an_unplugged_adapter_hangs_up_and_comes_back_under_its_name(line: PtyLine) -> None:
    port = serial.Serial(str(line.link), 9600, timeout=0)
    await line.unplug()
    assert not line.link.is_symlink()
    with pytest.raises(serial.SerialException):
        port.write(READ_PH)
    port.close()
    await line.plug()
    with serial.Serial(str(line.link), 9600, timeout=0) as again:
        assert await exchange(again, READ_PH) == PH_ANSWER


async def test_a_file_in_the_way_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "tty").write_text("mine")
    with pytest.raises(FileExistsError, match="not a symbolic link"):
        await PtyLine(tmp_path / "tty").plug()
    assert (tmp_path / "tty").read_text() == "mine"


async def ask_tcp(port: int, request: bytes, expected: int, within_s: float = 2.0) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        return await asyncio.wait_for(reader.readexactly(expected), within_s)
    except (TimeoutError, asyncio.IncompleteReadError):
        return b""
    finally:
        writer.close()
        await asyncio.sleep(0)


async def test_modbus_tcp_and_rtu_over_tcp() -> None:
    twin = twin_in(SeeedSPh01, unit=2)
    for line, request, answer in (
        (TcpLine(0, [twin]), bytes.fromhex("00 07 00 00 00 06 02 03 00 00 00 02"), b"\0\7\0\0\0\7" + PH_ANSWER[:-2]),
        (TcpLine(0, [twin], "rtu"), READ_PH, PH_ANSWER),
    ):
        await line.plug()
        assert await ask_tcp(line.port, request, len(answer)) == answer
        assert await ask_tcp(line.port, b"GET / HTTP/1.1\r\n\r\n", 1, 0.1) == b""
        port = line.port
        await line.unplug()
        with pytest.raises(OSError, match="Connect call failed"):
            await ask_tcp(port, request, 1)
        await line.plug()
        assert line.port == port
        assert await ask_tcp(port, request, len(answer)) == answer
        await line.unplug()


async def test_a_late_reply_on_modbus_tcp_comes_late() -> None:
    twin = twin_in(SeeedSPh01, unit=2)
    twin.faults.late_s = 0.1
    line = TcpLine(0, [twin])
    await line.plug()
    began = time.monotonic()
    assert await ask_tcp(line.port, bytes.fromhex("00 07 00 00 00 06 02 03 00 00 00 02"), 13)
    assert time.monotonic() - began >= 0.1
    await line.unplug()
