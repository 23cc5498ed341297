"""Frames on the wire: known CRCs, and no bytes that could bring a slave down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.frames import MbapSplitter, Request, RtuSplitter, crc16, mbap_frame, rtu_frame
from simulators.lines.exchange import Exchange
from simulators.twins import MODBUS_TWINS
from tests.simulators.stage import twin_in

READ = bytes.fromhex("01 03 26 00 00 04 4F 41")


@pytest.mark.parametrize(
    "frame",
    [
        "01 03 25 00 00 01 8F 06", "01 10 1C 00 00 00 00 D8 92", "01 03 01 00 00 04 45 F5",
        "37 03 01 00 00 03 01 A1", "FF 03 02 03 00 91 60", "01 10 30 00 00 01 02 14 00 99 53",
    ],
)  # fmt: skip
def test_the_crc_is_that_of_frames_printed_in_manuals(frame: str) -> None:
    raw = bytes.fromhex(frame)
    assert crc16(raw[:-2]) == raw[-2:]


@given(st.binary(max_size=60), st.integers(0, 59), st.integers(1, 255))
def test_a_changed_byte_changes_the_crc(data: bytes, place: int, change: int) -> None:
    if place < len(data):
        changed = data[:place] + bytes([data[place] ^ change]) + data[place + 1 :]
        assert crc16(changed) != crc16(data)


@given(st.lists(st.integers(1, 8), max_size=8))
def test_a_request_may_arrive_in_any_pieces(cuts: list[int]) -> None:
    splitter, found, rest = RtuSplitter(), [], READ
    for cut in [*cuts, len(READ)]:
        found += splitter.feed(rest[:cut])
        rest = rest[cut:]
    assert found == [Request(1, READ[1:-2])]
    assert not splitter.waiting


def test_requests_in_one_piece_are_told_apart() -> None:
    other = rtu_frame(2, bytes.fromhex("10 00 10 00 01 02 12 34"))
    assert [r.unit for r in RtuSplitter().feed(READ + other + READ)] == [1, 2, 1]


def test_a_broken_frame_is_forgotten_with_the_silence() -> None:
    splitter = RtuSplitter()
    assert splitter.feed(READ[:-1] + b"\0") == []
    assert splitter.silence() == []
    assert len(splitter.feed(READ)) == 1


def test_a_function_of_unknown_length_ends_with_the_silence() -> None:
    splitter = RtuSplitter()
    assert splitter.feed(rtu_frame(1, b"\x2b\x0e\x01\x00")) == []
    assert splitter.silence() == [Request(1, b"\x2b\x0e\x01\x00")]


def test_modbus_tcp_keeps_the_transaction() -> None:
    raw = bytes.fromhex("12 34 00 00 00 06 07 03 00 00 00 02")
    splitter = MbapSplitter()
    assert splitter.feed(raw[:9]) == []
    (request,) = splitter.feed(raw[9:])
    assert request == Request(7, raw[7:], 0x1234)
    assert mbap_frame(request, 7, b"\x83\x02") == bytes.fromhex("12 34 00 00 00 03 07 83 02")


def test_what_is_not_modbus_tcp_is_refused() -> None:
    with pytest.raises(ValueError, match="not a Modbus TCP header"):
        MbapSplitter().feed(b"GET / HTTP/1.1\r\n")


@given(st.sampled_from(sorted(MODBUS_TWINS)), st.binary(max_size=80))
def test_no_bytes_bring_a_slave_down(model: str, data: bytes) -> None:
    twin = twin_in(MODBUS_TWINS[model], unit=1)
    exchange, splitter = Exchange([twin]), RtuSplitter()
    for request in [*splitter.feed(data), *splitter.silence(), Request(1, data), Request(0, data)]:
        for reply in exchange.replies(request):
            assert len(reply.pdu) <= 253


@given(st.binary(max_size=80))
def test_no_bytes_bring_the_tcp_splitter_down(data: bytes) -> None:
    try:
        requests = MbapSplitter().feed(data)
    except ValueError:
        return
    assert all(request.pdu for request in requests)
