"""What a looker-on is told of Modbus bytes: the golden frames of the specification and of the manuals."""

from hypothesis import given
from hypothesis import strategies as st

from agent.domain.farm import Protocol
from drivers.bus.dissector import Telegram, reply, request
from tests.drivers.devices import reply as rtu_reply
from tests.drivers.devices import rtu, tcp_reply

RTU, TCP = Protocol.MODBUS_RTU, Protocol.MODBUS_TCP
READ = bytes.fromhex("01 03 00 00 00 06 C5 C8")  # Renke RS-LDO-N01, its manual's example
READ_TCP = bytes.fromhex("00 07 00 00 00 06 01 04 00 10 00 02")


def test_a_request_to_read_tells_where_and_how_much() -> None:
    assert request(READ, RTU) == Telegram(1, 3, 0, 6)
    assert request(READ_TCP, TCP) == Telegram(1, 4, 16, 2)


def test_a_request_to_write_tells_what() -> None:
    assert request(rtu(bytes.fromhex("14 06 00 30 FF FF")), RTU) == Telegram(0x14, 6, 0x30, 1, (0xFFFF,))
    many = rtu(bytes.fromhex("01 10 23 00 00 02 04 00 00 80 40"))  # Yosemitech Y532: calibrate at 4.00
    assert request(many, RTU) == Telegram(1, 16, 0x2300, 2, (0, 0x8040))


def test_a_reply_is_read_by_its_question() -> None:
    words = (0x3F6A, 0xEB52, 0x40E2, 0x48B0, 0x41E5, 0x85C5)
    assert reply(rtu_reply(READ, *words), READ, RTU) == Telegram(1, 3, 0, 6, words)
    assert reply(tcp_reply(READ_TCP, 5, 6), READ_TCP, TCP) == Telegram(1, 4, 16, 2, (5, 6))


def test_a_reply_is_found_behind_noise_and_echo() -> None:
    assert reply(b"\0\xff" + READ + rtu_reply(READ, *range(6)), READ, RTU) == Telegram(1, 3, 0, 6, tuple(range(6)))


def test_a_refusal_has_its_code() -> None:
    assert reply(rtu(b"\x01\x83\x02"), READ, RTU) == Telegram(1, 3, 0, 6, (), 2)
    assert reply(READ_TCP[:4] + b"\0\3\1\x84\x06", READ_TCP, TCP) == Telegram(1, 4, 16, 2, (), 6)


def test_a_broken_checksum_answers_nothing() -> None:
    whole = rtu_reply(READ, *range(6))
    assert reply(whole[:-1] + bytes((whole[-1] ^ 1,)), READ, RTU) is None


@given(st.binary(max_size=300), st.binary(max_size=30), st.sampled_from([RTU, TCP]))
def test_whatever_the_bytes_nothing_is_raised(received: bytes, asked: bytes, protocol: Protocol) -> None:
    request(received, protocol)
    reply(received, asked, protocol)
