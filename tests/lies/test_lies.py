"""On a line that lies nothing false is believed, and nothing true is refused once the line is in order again.

The short form of `make lies`. The mutants prove that the trial would notice: each takes one guard away.
"""

from collections.abc import Callable

import pytest
from pymodbus.framer.rtu import FramerRTU

from agent.domain.farm import Protocol
from drivers.bus import framing
from drivers.bus.doubt import Doubt
from drivers.bus.framing import RtuQuestion, TcpQuestion
from drivers.bus.silence import Silence
from simulators.frames import crc16
from tests.lies.text_trial import text_trial
from tests.lies.trial import MODBUS, trial
from tests.lies.virtual_time import in_virtual_time

SOME = 4000


@pytest.mark.parametrize("protocol", MODBUS, ids=lambda protocol: protocol.value)
def test_no_lie_is_believed_and_no_truth_refused(protocol: Protocol) -> None:
    tally = in_virtual_time(trial(protocol, SOME, seed=1))
    assert tally.lies == []
    assert tally.deaf == []
    assert tally.outcomes["value"] > 0.6 * SOME, "half of the answers were left alone"
    assert all(tally.outcomes[outcome] > 20 for outcome in ("NoReply", "BadReply", "Refused", "given up"))
    assert len(tally.faults) == 14
    assert min(tally.faults.values()) > 50


def test_no_lie_of_a_text_probe_is_believed_and_no_truth_refused() -> None:
    tally = in_virtual_time(text_trial(Protocol.SERIAL_TEXT, SOME, seed=1))
    assert tally.lies == []
    assert tally.deaf == []
    assert tally.outcomes["value"] > 0.4 * SOME
    assert min(tally.faults.values()) > 50


def test_a_line_in_order_loses_nothing() -> None:
    for protocol in MODBUS:
        tally = in_virtual_time(trial(protocol, 300, seed=1, share=0))
        assert tally.lies == tally.deaf == []
        assert tally.outcomes["value"] + tally.outcomes["given up"] == 300


Patch = Callable[[pytest.MonkeyPatch], None]


def no_crc(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(framing, "crc_fits", lambda frame: True)
    patch.setattr(FramerRTU, "check_CRC", lambda data, check: True)


def without_check_of(start: int, end: int, kind: type[RtuQuestion] | type[TcpQuestion] = RtuQuestion) -> Patch:
    """These bytes of an answer may be any; pymodbus, which checks some of them again, gets to see the right ones."""

    def mutate(patch: pytest.MonkeyPatch) -> None:
        answers = kind._answers

        def lenient(self, received: bytes):  # type: ignore[no-untyped-def]
            head = self._head
            self._head = head[:start] + received[start:end] + head[end:]
            for frame in list(answers(self, received)):
                righted = head + frame[len(head) :]
                yield righted[:-2] + crc16(righted[:-2]) if kind is RtuQuestion else righted
            self._head = head

        patch.setattr(kind, "_answers", lenient)

    return mutate


def any_length(patch: pytest.MonkeyPatch) -> None:
    answers = RtuQuestion._answers

    def lenient(self, received: bytes):  # type: ignore[no-untyped-def]
        head, size = self._head, self._size
        if len(received) > 2:
            self._head, self._size = head[:2] + received[2:3], received[2] + 5
        yield from list(answers(self, received))
        self._head, self._size = head, size

    patch.setattr(RtuQuestion, "_answers", lenient)


def first_of_two(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(framing, "_only", lambda answers: next(iter(answers), b""))


def no_silence(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Silence, "demand", lambda self, seconds: None)
    patch.setattr(Doubt, "straggles_s", lambda self, read, asked_s: 0.0)


def no_doubt_about_copies(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Doubt, "copied_from", lambda self, read, registers: None)


MUTANTS = {
    "no CRC": (Protocol.MODBUS_RTU, no_crc),
    "any unit": (Protocol.MODBUS_RTU, without_check_of(0, 1)),
    "any function": (Protocol.MODBUS_RTU, without_check_of(1, 2)),
    "any length": (Protocol.MODBUS_RTU, any_length),
    "the first of two answers": (Protocol.MODBUS_RTU, first_of_two),
    "no silence": (Protocol.MODBUS_RTU, no_silence),
    "no doubt about copies": (Protocol.MODBUS_RTU, no_doubt_about_copies),
    "no doubt about copies on TCP": (Protocol.MODBUS_TCP, no_doubt_about_copies),
    "any unit on TCP": (Protocol.MODBUS_TCP, without_check_of(6, 7, TcpQuestion)),
    "any transaction": (Protocol.MODBUS_TCP, without_check_of(0, 2, TcpQuestion)),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_guard_taken_away_lets_a_lie_through(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    protocol, mutate = MUTANTS[name]
    mutate(monkeypatch)
    assert any(in_virtual_time(trial(protocol, 1000, seed)).lies for seed in range(1, 6))
