"""What a look at one probe tells of the wire: its own exchanges, and none of its neighbours'."""

from agent.domain.farm import Protocol
from agent.probe_look import exchanges
from drivers.bus.tap import Frame
from tests.drivers.devices import reply, rtu

RTU = Protocol.MODBUS_RTU
READ = bytes.fromhex("01 03 00 00 00 06 C5 C8")
OTHER = rtu(bytes.fromhex("02 03 00 00 00 02"))
START = rtu(bytes.fromhex("01 06 00 01 00 0F"))


def test_registers_orders_and_refusals_of_the_one_unit() -> None:
    frames = [
        Frame(0, False, b"", "nobody had asked"),
        Frame(1, True, START),
        Frame(2, False, START),
        Frame(3, True, OTHER),
        Frame(4, False, reply(OTHER, 7, 8)),
        Frame(5, True, READ),
        Frame(6, False, reply(READ, *range(6))),
        Frame(7, True, READ),
        Frame(8, False, rtu(b"\x01\x83\x02")),
        Frame(9, True, READ),
        Frame(9, False, b"", "no reply in 0.5 s"),
    ]
    place = {"space": "holding", "address": 0, "count": 6}
    assert exchanges(frames, RTU, 1) == [
        {"command": "write 0x0001: 000F", "lines": ["written"]},
        {**place, "registers": [0, 1, 2, 3, 4, 5]},
        {**place, "error": "refused (exception 2)"},
        {**place, "error": "no reply in 0.5 s"},
    ]


def test_lines_of_text() -> None:
    frames = [Frame(1, True, b"R\r"), Frame(2, False, b"7.002\r*OK\r")]
    assert exchanges(frames, Protocol.SERIAL_TEXT, 0) == [{"command": "R", "lines": ["7.002", "*OK"]}]
