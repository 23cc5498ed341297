"""Modbus over a network: Modbus TCP with its transaction ids, and RTU frames through a serial server."""

import asyncio
import socket
from contextlib import ExitStack
from dataclasses import replace

import pytest

from agent.domain.errors import BadReply, BusError, NoReply, Refused
from agent.domain.farm import Protocol, TcpEndpoint
from drivers.bus.modbus import ModbusLine
from drivers.bus.tap import Frame
from drivers.interfaces import Space
from tests.drivers.devices import QUIET_S, TIMEOUT_S, RealClock, Send, later, tcp_device, tcp_reply, tcp_settings
from tests.drivers.test_modbus_bus import echo_address


def echo_tcp(request: bytes, send: Send) -> None:
    """Every register holds its own address."""
    first, count = int.from_bytes(request[8:10], "big"), int.from_bytes(request[10:12], "big")
    send(tcp_reply(request, *range(first, first + count)))


async def test_registers_come_as_asked() -> None:
    async with tcp_device(echo_tcp) as (_, port):
        bus = ModbusLine(tcp_settings(port), RealClock())
        assert await bus.read(7, Space.HOLDING, 500, 3) == (500, 501, 502)
        assert await bus.read(0, Space.INPUT, 0, 125) == tuple(range(125))
        await bus.close()


async def test_a_reply_in_pieces_is_one_reply() -> None:
    def piecemeal(request: bytes, send: Send) -> None:
        frame = tcp_reply(request, 1, 2, 3)
        for index in range(len(frame)):
            later(0.002 * index, send, frame[index : index + 1])

    async with tcp_device(piecemeal) as (_, port):
        bus = ModbusLine(tcp_settings(port), RealClock())
        assert await bus.read(1, Space.HOLDING, 0, 3) == (1, 2, 3)
        await bus.close()


def altered(at: int, value: int):  # type: ignore[no-untyped-def]
    def script(request: bytes, send: Send) -> None:
        frame = bytearray(tcp_reply(request, 1, 2))
        frame[at] = value
        send(bytes(frame))

    return script


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (altered(1, 99), "transaction id 99 instead of 1"),
        (altered(1, 0), "transaction id 0 instead of 1"),  # pymodbus itself lets zero pass
        (altered(3, 1), "not Modbus TCP"),
        (altered(6, 8), "unit 8 answered instead"),
        (altered(7, 4), "function 4 instead of 3"),
        (altered(7, 0x80), "function 128 instead of 3"),  # pymodbus raises inside the event loop
        (altered(8, 2), "2 bytes of registers instead of 4"),
        (altered(8, 200), "200 bytes of registers instead of 4"),
        (altered(5, 250), "the length does not fit"),
        (lambda request, send: send(tcp_reply(request, 1, 2)[:-1]), "broke off after 12 of 13 bytes"),
        (lambda request, send: send(b"\x00\x01"), "only 2 byte"),
        (lambda request, send: send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "not Modbus TCP"),
    ],
)
async def test_a_reply_that_does_not_fit_is_no_value(script, words: str) -> None:  # type: ignore[no-untyped-def]
    async with tcp_device(script) as (device, port):
        bus = ModbusLine(tcp_settings(port), RealClock())
        with pytest.raises(BadReply, match=words) as caught:
            await bus.read(1, Space.HOLDING, 0, 2)
        assert f"127.0.0.1:{port}, unit 1" in str(caught.value)
        device.script = echo_tcp
        assert await bus.read(1, Space.HOLDING, 40, 2) == (40, 41)
        await bus.close()


async def test_a_refusal_is_told_from_a_failure() -> None:
    async with tcp_device(lambda request, send: send(request[:4] + b"\0\3\1\x83\x0b")) as (_, port):
        bus = ModbusLine(tcp_settings(port), RealClock())
        with pytest.raises(Refused, match="gateway target did not respond") as caught:
            await bus.read(1, Space.HOLDING, 0, 2)
        assert caught.value.code == 11
        await bus.close()


@pytest.mark.parametrize("quiet_s", [0, QUIET_S])
async def test_a_late_reply_never_answers_the_next_question(quiet_s: float) -> None:
    """The transaction id alone tells them apart; the silence only spares the gateway behind the port."""

    def late_first(request: bytes, send: Send) -> None:
        device.script = echo_tcp
        later(TIMEOUT_S + 0.01, lambda data: echo_tcp(data, send), request)

    async with tcp_device(late_first) as (device, port):
        bus = ModbusLine(tcp_settings(port, quiet_s=quiet_s), RealClock())
        with pytest.raises(NoReply, match=f"no reply in {TIMEOUT_S:g} s on 127.0.0.1:{port}, unit 1"):
            await bus.read(1, Space.HOLDING, 500, 1)
        assert await bus.read(1, Space.HOLDING, 700, 1) == (700,)
        await bus.close()


async def test_the_answer_behind_an_old_one_is_found() -> None:
    def old_then_new(request: bytes, send: Send) -> None:
        old = (int.from_bytes(request[:2], "big") - 1).to_bytes(2, "big") + request[2:]
        send(tcp_reply(old, 500) + tcp_reply(request, 700))

    async with tcp_device(old_then_new) as (_, port):
        bus = ModbusLine(tcp_settings(port), RealClock())
        assert await bus.read(1, Space.HOLDING, 700, 1) == (700,)
        await bus.close()


async def test_a_refused_connection_is_a_bus_error() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    bus = ModbusLine(tcp_settings(port), RealClock())
    with pytest.raises(BusError, match=f"cannot open 127.0.0.1:{port}: connection refused"):
        await bus.open()
    async with tcp_device(echo_tcp, port):
        assert await bus.read(1, Space.HOLDING, 1, 1) == (1,)
        await bus.close()


async def test_a_connection_may_take_longer_than_an_answer() -> None:
    """Of a listener whose queue is full the kernel drops the first SYN, and its next comes after a second."""
    with socket.socket() as listener, ExitStack() as waiting:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port: int = listener.getsockname()[1]
        for _ in range(2):
            queued = waiting.enter_context(socket.socket())
            queued.setblocking(False)
            queued.connect_ex(("127.0.0.1", port))
        settings = tcp_settings(port)
        with pytest.raises(BusError, match=f"no connection within {TIMEOUT_S:g} s"):
            await ModbusLine(settings, RealClock()).open()
        patient = ModbusLine(replace(settings, port=TcpEndpoint("127.0.0.1", port, 10.0)), RealClock())
        opening = asyncio.ensure_future(patient.open())
        await asyncio.sleep(2 * TIMEOUT_S)
        assert not opening.done()
        listener.accept()[0].close()
        listener.accept()[0].close()
        await opening
        await patient.close()


async def test_a_connection_closed_mid_way_is_a_bus_error_at_once() -> None:
    async with tcp_device(lambda request, send: device.hang_up()) as (device, port):
        bus = ModbusLine(tcp_settings(port, timeout_s=60.0), RealClock())
        with pytest.raises(BusError, match=f"127.0.0.1:{port} was lost during a request to unit 1"):
            async with asyncio.timeout(30):
                await bus.read(1, Space.HOLDING, 1, 1)
        device.script = echo_tcp
        assert await bus.read(1, Space.HOLDING, 2, 1) == (2,)
        await bus.close()


async def test_a_connection_closed_between_two_questions_is_opened_again() -> None:
    async with tcp_device(echo_tcp) as (device, port):
        bus = ModbusLine(tcp_settings(port), RealClock())
        assert await bus.read(1, Space.HOLDING, 1, 1) == (1,)
        device.hang_up()
        await asyncio.sleep(0.02)
        assert await bus.read(1, Space.HOLDING, 2, 1) == (2,)
        await bus.close()


async def test_rtu_frames_travel_through_a_serial_server() -> None:
    async with tcp_device(echo_address) as (device, port):
        bus = ModbusLine(tcp_settings(port, Protocol.MODBUS_RTU_OVER_TCP), RealClock())
        assert await bus.read(7, Space.INPUT, 500, 3) == (500, 501, 502)
        assert device.heard[0][:6].hex(" ") == "07 04 01 f4 00 03"

        def late(request: bytes, send: Send) -> None:
            device.script = echo_address
            later(TIMEOUT_S + 0.02, lambda data: echo_address(data, send), request)

        device.script = late
        with pytest.raises(NoReply):
            await bus.read(1, Space.HOLDING, 500, 1)
        assert await bus.read(1, Space.HOLDING, 700, 1) == (700,)
        await bus.close()


async def test_a_connection_that_may_be_half_open_is_made_anew() -> None:
    async with tcp_device(lambda request, send: None) as (device, port):
        bus = ModbusLine(tcp_settings(port, quiet_s=0.0, timeout_s=0.01), RealClock())
        for _ in range(6):
            with pytest.raises(NoReply):
                await bus.read(1, Space.HOLDING, 500, 1)
        await bus.close()
        assert len(device.writers) == 2


async def test_a_cancellation_that_comes_with_the_reply_is_not_lost() -> None:
    """Python 3.11's wait_for would hand over the reply and forget the cancellation: a poller would never end."""
    async with tcp_device(echo_tcp) as (_, port):
        bus = ModbusLine(tcp_settings(port), RealClock())
        await bus.open()

        def cancel_when_answered(frame: Frame) -> None:
            """Called when the request has gone out: before anybody waits for the reply, so first to hear of it."""
            assert bus._client is not None
            if frame.sent:
                bus._client.ctx.response_future.add_done_callback(lambda _: reading.cancel())

        bus._tap = cancel_when_answered
        reading = asyncio.ensure_future(bus.read(1, Space.HOLDING, 0, 1))
        with pytest.raises(asyncio.CancelledError):
            await reading
        await bus.close()


async def test_what_a_serial_server_still_carries_never_reaches_the_next_question() -> None:
    """A network that stalls delivers late by any time; after a failure the connection is another one."""
    async with tcp_device(lambda request, send: None) as (device, port):
        bus = ModbusLine(tcp_settings(port, Protocol.MODBUS_RTU_OVER_TCP), RealClock())
        with pytest.raises(NoReply):
            await bus.read(1, Space.HOLDING, 500, 1)
        stalled = device.writers[0]

        def at_last(request: bytes, send: Send) -> None:
            echo_address(device.heard[0], stalled.write)
            echo_address(request, send)

        device.script = at_last
        assert await bus.read(1, Space.HOLDING, 700, 1) == (700,)
        assert len(device.writers) == 2
        await bus.close()


async def test_a_gateway_that_gave_its_probe_up_is_left_alone_for_a_moment() -> None:
    """The probe's late answer may still come to the gateway, and some hand it to their next request."""
    asked_s = []

    def script(request: bytes, send: Send) -> None:
        asked_s.append(asyncio.get_running_loop().time())
        send(request[:4] + b"\0\3\1\x83\x0b" if len(asked_s) == 1 else tcp_reply(request, 1))

    async with tcp_device(script) as (_, port):
        bus = ModbusLine(tcp_settings(port), RealClock())
        with pytest.raises(Refused, match="gateway target did not respond"):
            await bus.read(1, Space.HOLDING, 0, 1)
        assert await bus.read(1, Space.HOLDING, 0, 1) == (1,)
        assert asked_s[1] - asked_s[0] >= QUIET_S
        await bus.close()
