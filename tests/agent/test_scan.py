"""Finding what hangs on a line: whoever answers is found, nobody is written to, and the port is free afterwards."""

import asyncio
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
import serial
from rich.console import Console

from agent.domain.errors import BusError
from agent.domain.farm import BusSettings, Protocol, SerialLine, TcpEndpoint
from agent.scan.search import Found, Search
from agent.scan.tries import FIRST_REGISTER, Line, Try, lines_of, question, tries
from agent.views.scan import configuration, view
from drivers import profile, profile_names
from drivers.interfaces import Space
from drivers.planning import Block
from drivers.probes.modbus_facts import Identity
from drivers.probes.modbus_table import TableProfile
from simulators.farm import Farm, load
from tests.drivers.devices import RealClock, Send, SerialDevice, reply, rtu, serial_device, tcp_device, tcp_reply

LIBRARY = [model for name in profile_names() if isinstance(model := profile(name), TableProfile)]
FARM = """
seed = 1
[[ponds]]
name = "pond"
[lines.rs485]
pty = "ttyRS485"
baud = 9600
[lines.uart]
pty = "ttyEZO"
[[twins]]
name = "ph"
model = "seeed-s-ph-01"
line = "rs485"
unit = 7
pond = "pond"
[[twins]]
name = "silent-elsewhere"
model = "yosemitech-y504a"
line = "rs485"
unit = 12
pond = "pond"
[[twins]]
name = "ezo"
model = "atlas-ezo-ph"
line = "uart"
pond = "pond"
"""
NINE_SIX = Line(9600, "N", 1)


def settings(device: str | Path) -> BusSettings:
    return BusSettings("tty", Protocol.MODBUS_RTU, SerialLine(str(device)))


async def searched(
    bus: BusSettings,
    units: Sequence[int],
    lines: Sequence[Line | None] = (NINE_SIX,),
    models: Sequence[TableProfile] = (),
) -> Search:
    search = Search(bus, 0.08, RealClock())
    await search.run(tries(models, lines, units), models, lambda one: None)
    return search


def test_each_question_is_asked_once_and_the_likeliest_first() -> None:
    lines = lines_of(LIBRARY)
    asked = tries(LIBRARY, lines, range(1, 248))
    assert len(asked) == len(set(asked))
    factory = {Try(Line(m.serial.baud, m.serial.parity, m.serial.stop_bits), m.unit, question(m)) for m in LIBRARY}
    assert set(asked[: len(factory)]) == factory
    for line in lines:
        assert {one.unit for one in asked if one.line == line and one.block == FIRST_REGISTER} == set(range(1, 248))
    assert lines[0] == NINE_SIX


def test_only_the_addresses_that_were_chosen_are_asked() -> None:
    assert {one.unit for one in tries(LIBRARY, [None], {3, 9})} == {3, 9}


async def test_devices_are_found_wherever_they_are_and_told_by_their_values(tmp_path: Path) -> None:
    (tmp_path / "farm.toml").write_text(FARM)
    async with Farm(load(tmp_path / "farm.toml")):
        lines = [Line(9600, "N", 1), Line(4800, "N", 1)]
        search = await searched(settings(tmp_path / "ttyRS485"), [1, 7, 12], lines, LIBRARY)
        assert [(one.unit, one.line) for one in search.found] == [(7, NINE_SIX), (12, NINE_SIX)]
        assert "seeed-s-ph-01" in search.found[0].models
        assert "ph " in search.found[0].shows
        assert "yosemitech-y504a" in search.found[1].models
        serial.Serial(str(tmp_path / "ttyRS485"), exclusive=True).close()


async def test_a_model_that_its_registers_name_is_proven(tmp_path: Path) -> None:
    named = [model for model in LIBRARY if any(identity.expect for identity in model.identity)]
    twins = "".join(
        f'[[twins]]\nname = "{model.name}"\nmodel = "{model.name}"\nline = "rs485"\nunit = {unit}\npond = "pond"\n'
        for unit, model in enumerate(named, 20)
    )
    assert len(named) >= 4
    (tmp_path / "farm.toml").write_text(FARM + twins)
    async with Farm(load(tmp_path / "farm.toml")):
        units = range(20, 20 + len(named))
        search = await searched(settings(tmp_path / "ttyRS485"), units, models=LIBRARY)
    assert [(one.unit, one.models, one.proven) for one in search.found] == [
        (unit, (model.name,), True) for unit, model in zip(units, named, strict=True)
    ]


def test_a_number_that_only_begins_like_the_one_expected_names_another_model() -> None:
    number = Identity("model", Block(Space.HOLDING, 9000, 1), "uint16", expect="31")
    assert number.fits(number.said((31,)))
    assert not number.fits(number.said((310,)))
    text = Identity("model", Block(Space.HOLDING, 0x0D00, 2), "text", expect="pH")
    assert text.fits(text.said((0x7048, 0x2F52)))


async def test_a_text_circuit_tells_its_name(tmp_path: Path) -> None:
    (tmp_path / "farm.toml").write_text(FARM)
    async with Farm(load(tmp_path / "farm.toml")):
        found = await Search(settings(tmp_path / "ttyEZO"), 0.08, RealClock()).text_device()
        assert found is not None
        assert (found.unit, found.models, found.proven) == (None, ("atlas-ezo-ph",), True)


async def test_a_device_that_refuses_everything_is_found_and_nothing_is_ever_written() -> None:
    def refuse(request: bytes, send: Send) -> None:
        if request[0] == 5:
            send(rtu(bytes((5, request[1] | 0x80, 2))))

    with serial_device(refuse) as device:
        search = await searched(settings(device.device), [1, 5], models=LIBRARY)
        assert [(one.unit, one.models) for one in search.found] == [(5, ())]
        assert {request[1] for request in device.heard} <= {3, 4}


async def test_what_nobody_understands_is_told_and_is_no_device() -> None:
    with serial_device(lambda request, send: send(b"\x04\x03\x02\0\0\xff\xff") if request[0] == 4 else None) as device:
        search = await searched(settings(device.device), range(3, 6))
        assert search.found == []
        assert list(search.garbled) == [(NINE_SIX, 4)]
        console = Console(record=True, width=80)
        console.print(view(search))
        assert "unit 4 at 9600 8N1 answers, but not properly" in console.export_text().replace("\n", " ")


async def test_a_gateways_word_that_nobody_is_there_is_no_device() -> None:
    def answer(request: bytes, send: Send) -> None:
        send(tcp_reply(request, 1) if request[6] == 3 else request[:4] + b"\0\3" + request[6:7] + b"\x83\x0b")

    async with tcp_device(answer) as (_, port):
        bus = BusSettings("lan", Protocol.MODBUS_TCP, TcpEndpoint("127.0.0.1", port))
        assert [one.unit for one in (await searched(bus, range(1, 20), [None])).found] == [3]


async def test_a_device_that_answers_at_every_address_is_one_device() -> None:
    async with tcp_device(lambda request, send: send(tcp_reply(request, 1))) as (device, port):
        bus = BusSettings("lan", Protocol.MODBUS_TCP, TcpEndpoint("127.0.0.1", port))
        search = await searched(bus, range(1, 248), [None])
        assert [one.unit for one in search.found] == [1]
        assert len(device.heard) < 20


async def test_a_setting_that_the_port_does_not_take_is_left_out_and_told() -> None:
    def answer(request: bytes, send: Send) -> None:
        send(reply(request, 1))

    with serial_device(answer) as device:  # a pty has no parity
        lines = [NINE_SIX, Line(9600, "E", 1), Line(9600, "N", 2), Line(19200, "N", 2)]
        search = await searched(settings(device.device), [1], lines)
        assert [one.line for one in search.found] == [lines[0], lines[3]]
        assert "does not take" in search.refused[lines[1]]


async def test_a_port_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BusError, match="it is not there"):
        await searched(settings(tmp_path / "ttyUSB7"), [1])


async def test_a_search_that_is_stopped_keeps_what_it_found_and_leaves_the_port() -> None:
    def only_one(request: bytes, send: Send) -> None:
        if request[0] == 1:
            send(reply(request, 1))

    with serial_device(only_one) as device:
        search = Search(settings(device.device), 0.08, RealClock())
        task = asyncio.create_task(search.run(tries([], [NINE_SIX], range(1, 248)), [], lambda one: None))
        async with asyncio.timeout(20):
            while not heard_of(device, 4):
                await asyncio.sleep(0.01)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert [one.unit for one in search.found] == [1]
        serial.Serial(device.device, exclusive=True).close()


def heard_of(device: SerialDevice, unit: int) -> bool:
    return any(request[0] == unit for request in device.heard)


def test_the_configuration_can_be_pasted() -> None:
    found = [
        Found(NINE_SIX, 7, ("seeed-s-ph-01", "renke-rs-ldo-n01"), False, "ph 7"),
        Found(NINE_SIX, 9),
        Found(Line(4800, "N", 1), 1, ("renke-rs-ldo-n01",)),
    ]
    text = configuration(settings("/dev/ttyUSB0"), found)
    pasted = tomllib.loads(text)
    assert pasted["buses"]["tty"] == {
        "protocol": "modbus-rtu", "device": "/dev/ttyUSB0", "baud": 9600, "parity": "N", "stop_bits": 1,
    }  # fmt: skip
    (probe,) = pasted["probes"]
    assert (probe["profile"], probe["unit"], probe["bus"]) == ("seeed-s-ph-01", 7, "tty")
    assert "# unit 1 answers at 4800 8N1" in text
    assert "Unit 9 is of no model" in text
