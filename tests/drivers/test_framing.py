"""Only bytes that fit the question get through, whatever arrives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.bus.framing import RtuQuestion, TcpQuestion
from tests.drivers.devices import crc, reply, rtu, tcp_reply

RTU_REQUEST = rtu(bytes.fromhex("07 03 02 00 00 02"))
TCP_REQUEST = bytes.fromhex("00 09 00 00 00 06 07 03 02 00 00 02")

# Pieces that look like parts of an answer, so that chance alone finds the corners.
PIECES = [
    reply(RTU_REQUEST, 1, 2),
    tcp_reply(TCP_REQUEST, 1, 2),
    RTU_REQUEST,
    TCP_REQUEST,
    rtu(b"\x07\x83\x02"),
    bytes.fromhex("00 09 00 00 00 03 07 83 02"),
    b"\x07\x03\x04",
    b"\x07",
    b"\x00\x09\x00\x00",
]
received = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=12)), max_size=6).map(b"".join)


@given(received)
def test_an_rtu_answer_is_of_this_unit_function_and_length(data: bytes) -> None:
    question = RtuQuestion(RTU_REQUEST)
    frame = question.answer_in(data)
    assert question.objection(data)
    if frame:
        assert frame in data
        assert (len(frame) == 9 and frame.startswith(b"\x07\x03\x04")) or (
            len(frame) == 5 and frame.startswith(b"\x07\x83")
        )
        assert data == frame or frame[-2:] == crc(frame[:-2])


@given(received)
def test_a_tcp_answer_is_of_this_transaction_unit_function_and_length(data: bytes) -> None:
    question = TcpQuestion(TCP_REQUEST)
    frame = question.answer_in(data)
    assert question.objection(data)
    if frame:
        assert frame in data
        assert (len(frame) == 13 and frame.startswith(bytes.fromhex("00 09 00 00 00 07 07 03 04"))) or (
            len(frame) == 9 and frame.startswith(bytes.fromhex("00 09 00 00 00 03 07 83"))
        )


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_noise_around_an_rtu_answer_does_not_hide_it(before: bytes, after: bytes) -> None:
    answer = reply(RTU_REQUEST, 1, 2)
    found = RtuQuestion(RTU_REQUEST).answer_in(before + answer + after)
    assert found == answer or found[-2:] == crc(found[:-2])


@pytest.mark.parametrize("cut", range(9))
def test_half_an_answer_is_none_yet(cut: int) -> None:
    assert not RtuQuestion(RTU_REQUEST).answer_in(reply(RTU_REQUEST, 1, 2)[:cut])
    assert not TcpQuestion(TCP_REQUEST).answer_in(tcp_reply(TCP_REQUEST, 1, 2)[:cut])
