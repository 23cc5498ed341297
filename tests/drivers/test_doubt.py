"""An answer that may be another question's is asked for again, or waited out; equal registers are told from copies."""

from contextlib import suppress

import pytest

from agent.domain.errors import BadReply, NoReply
from drivers.bus.doubt import Doubt, Read
from drivers.bus.modbus import ModbusLine
from drivers.interfaces import Space
from tests.drivers.devices import RealClock, Send, later, reply, rtu_settings, serial_device
from tests.drivers.test_modbus_bus import echo_address

A, B, C = (Read(1, 3, address, 2) for address in (100, 200, 300))
T, Q = 0.5, 0.3


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def boot_s(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def doubt(clock: Hand) -> Doubt:
    return Doubt(clock, T, Q)  # type: ignore[arg-type]


def test_the_same_registers_again_are_doubted_for_as_long_as_a_copy_may_come(doubt: Doubt, clock: Hand) -> None:
    assert doubt.copied_from(A, (1, 2)) is None
    assert doubt.copied_from(A, (1, 2)) is None, "it may well measure the same twice"
    assert doubt.copied_from(B, (1, 3)) is None
    assert doubt.copied_from(B, (1, 2)) == A
    clock.now_s += Q + 0.01
    assert doubt.copied_from(C, (1, 2)) is None


def test_registers_that_hold_the_same_are_doubted_once(doubt: Doubt, clock: Hand) -> None:
    doubt.copied_from(A, (0, 0))
    assert doubt.copied_from(B, (0, 0)) == A
    doubt.asked_again(A, B, (0, 0))
    for _ in range(3):
        clock.now_s += 1
        assert doubt.copied_from(A, (0, 0)) is None
        assert doubt.copied_from(B, (0, 0)) is None
    doubt.copied_from(A, (5, 5))
    assert doubt.copied_from(B, (5, 5)) == A, "what they hold now has not been seen twice"


def test_what_was_remembered_is_forgotten(doubt: Doubt, clock: Hand) -> None:
    for number in range(2000):
        clock.now_s += 0.01
        assert doubt.copied_from(Read(1, 3, number, 1), (number,)) is None
    assert len(doubt._answered) <= Q / 0.01 + 2


def test_after_a_question_without_answer_the_next_of_its_shape_is_waited_out(doubt: Doubt, clock: Hand) -> None:
    doubt.unanswered(A, clock.now_s)
    asked_s = clock.now_s + T + Q
    assert doubt.straggles_s(Read(2, 3, 200, 2), asked_s) == 0, "another unit"
    assert doubt.straggles_s(Read(1, 3, 200, 1), asked_s) == 0, "another length"
    assert doubt.straggles_s(A, asked_s) == 0, "the same question"
    assert doubt.straggles_s(B, asked_s) == pytest.approx(T + Q + Q)
    assert doubt.straggles_s(B, asked_s) == 0, "once"
    doubt.unanswered(A, clock.now_s)
    assert doubt.straggles_s(B, clock.now_s + 2 * (T + Q) + 0.01) == 0, "too long ago"


async def test_a_probe_slower_than_timeout_and_silence_is_never_believed() -> None:
    """Every answer comes 0.25 s after its question: each would be taken for the answer to the next one."""
    slow = lambda request, send: later(0.25, lambda data: echo_address(data, send), request)  # noqa: E731
    with serial_device(slow) as device:
        bus = ModbusLine(rtu_settings(device.device, quiet_s=0.05, timeout_s=0.15), RealClock())
        outcomes = []
        for address in range(500, 505):
            with pytest.raises((NoReply, BadReply)) as caught:
                await bus.read(1, Space.HOLDING, address, 1)
            outcomes.append(str(caught.value))
        assert any("is timeout_s = 0.15 too short for this probe?" in outcome for outcome in outcomes)
        device.script = echo_address
        with suppress(BadReply):  # the last slow answer comes after this one's
            assert await bus.read(1, Space.HOLDING, 600, 1) == (600,)
        assert await bus.read(1, Space.HOLDING, 700, 1) == (700,)
        await bus.close()


async def test_a_copy_is_asked_for_again_and_equal_registers_are_believed() -> None:
    def stuck(request: bytes, send: Send) -> None:
        send(reply(request, 7))

    with serial_device(stuck) as device:
        bus = ModbusLine(rtu_settings(device.device), RealClock())
        for address in (1, 2, 1, 2):
            assert await bus.read(1, Space.HOLDING, address, 1) == (7,)
        assert len(device.heard) == 5 + 1, "each new pair is asked for once more"
        await bus.close()


async def test_probes_that_measure_the_same_cost_the_line_nothing() -> None:
    """A copy of another unit's answer carries that unit's address, and fits no question to this one."""
    with serial_device(lambda request, send: send(reply(request, 1850))) as device:
        bus = ModbusLine(rtu_settings(device.device), RealClock())
        for unit in (*range(1, 9), *range(1, 9)):
            assert await bus.read(unit, Space.HOLDING, 0, 1) == (1850,)
        assert len(device.heard) == 16
        await bus.close()
