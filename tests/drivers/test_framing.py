"""Only bytes that fit the question get through, whatever arrives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.bus.framing import RtuQuestion, TcpQuestion
from tests.drivers.devices import acknowledgement, crc, reply, rtu, tcp_reply

RTU_REQUEST = rtu(bytes.fromhex("07 03 02 00 00 02"))
TCP_REQUEST = bytes.fromhex("00 09 00 00 00 06 07 03 02 00 00 02")
RTU_WRITE = rtu(bytes.fromhex("07 10 02 00 00 01 02 00 0F"))
RTU_SINGLE_WRITE = rtu(bytes.fromhex("07 06 02 00 00 0F"))
RTU_START = rtu(bytes.fromhex("07 10 1C 00 00 00 00"))
TCP_WRITE = bytes.fromhex("00 09 00 00 00 09 07 10 02 00 00 01 02 00 0F")

# Pieces that look like parts of an answer, so that chance alone finds the corners.
PIECES = [
    reply(RTU_REQUEST, 1, 2),
    tcp_reply(TCP_REQUEST, 1, 2),
    RTU_REQUEST,
    TCP_REQUEST,
    rtu(b"\x07\x83\x02"),
    acknowledgement(RTU_WRITE),
    acknowledgement(RTU_START),
    RTU_SINGLE_WRITE,
    RTU_WRITE,
    rtu(b"\x07\x90\x03"),
    bytes.fromhex("00 09 00 00 00 06 07 10 02 00 00 01"),
    bytes.fromhex("00 09 00 00 00 03 07 90 03"),
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
        assert frame[-2:] == crc(frame[:-2])


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
    assert RtuQuestion(RTU_REQUEST).answer_in(before + answer + after) == answer


def test_an_echo_whose_first_bytes_have_a_fitting_crc_is_no_answer() -> None:
    """06 03 02 11 00 01 D4 is the beginning of a question, and an answer as well."""
    request = rtu(bytes.fromhex("06 03 02 11 00 01"))
    assert request[5:7] == crc(request[:5])
    question = RtuQuestion(request)
    for came in range(len(request) + 1):
        assert not question.answer_in(request[:came])
    assert not question.answer_in(b"\0" + request)
    assert question.answer_in(request + reply(request, 500)) == reply(request, 500)


def test_two_different_answers_are_none() -> None:
    """Two probes with one address: nobody can tell who was meant."""
    for question, one, other in (
        (RtuQuestion(RTU_REQUEST), reply(RTU_REQUEST, 1, 2), reply(RTU_REQUEST, 1, 3)),
        (RtuQuestion(RTU_REQUEST), reply(RTU_REQUEST, 1, 2), rtu(b"\x07\x83\x02")),
        (TcpQuestion(TCP_REQUEST), tcp_reply(TCP_REQUEST, 1, 2), tcp_reply(TCP_REQUEST, 1, 3)),
    ):
        assert not question.answer_in(one + other)
        assert "two different answers came" in question.objection(one + other)
        assert question.answer_in(one + one) == one


@pytest.mark.parametrize("cut", range(9))
def test_half_an_answer_is_none_yet(cut: int) -> None:
    assert not RtuQuestion(RTU_REQUEST).answer_in(reply(RTU_REQUEST, 1, 2)[:cut])
    assert not TcpQuestion(TCP_REQUEST).answer_in(tcp_reply(TCP_REQUEST, 1, 2)[:cut])


@pytest.mark.parametrize("write", [RTU_WRITE, RTU_SINGLE_WRITE, RTU_START], ids=bytes.hex)
@given(received)
def test_an_rtu_write_is_acknowledged_by_its_own_address_and_count(write: bytes, data: bytes) -> None:
    question = RtuQuestion(write)
    frame = question.answer_in(data)
    assert question.objection(data)
    if frame:
        assert frame in data
        assert frame[:6] == write[:6] or (len(frame) == 5 and frame[1] == write[1] | 0x80)
        assert len(frame) == (8 if frame[1] == write[1] else 5)
        assert frame[-2:] == crc(frame[:-2])
    assert question.answer_in(acknowledgement(write)) == acknowledgement(write)


@given(received)
def test_a_tcp_write_is_acknowledged_by_its_own_address_and_count(data: bytes) -> None:
    question = TcpQuestion(TCP_WRITE)
    frame = question.answer_in(data)
    assert question.objection(data)
    assert frame in (b"", bytes.fromhex("00 09 00 00 00 06 07 10 02 00 00 01")) or (
        len(frame) == 9 and frame.startswith(bytes.fromhex("00 09 00 00 00 03 07 90"))
    )


def test_the_acknowledgement_of_another_write_is_none() -> None:
    other = acknowledgement(RTU_START)
    assert not RtuQuestion(RTU_WRITE).answer_in(other)
    assert "it acknowledges another write" in RtuQuestion(RTU_WRITE).objection(other)
