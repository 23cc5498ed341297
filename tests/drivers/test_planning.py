"""A read plan fetches everything that is wanted, in the least time that the line and the probe allow."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.farm import BusSettings, Protocol, SerialLine, TcpEndpoint
from drivers.bus.timing import frame_gap_s, read_cost
from drivers.interfaces import Cost, Space
from drivers.planning import STANDARD, Block, Manners, hull, outermost, plan


def held(address: int, count: int = 2, space: Space = Space.HOLDING) -> Block:
    return Block(space, address, count)


blocks = st.builds(Block, st.sampled_from(Space), st.integers(0, 300), st.sampled_from((1, 2, 4)))
costs = st.builds(Cost, st.floats(0.001, 0.1), st.floats(0, 0.01))
manners = st.builds(Manners, st.sampled_from((1, 2, 4, 17, 125)), st.booleans())


@given(st.lists(blocks, min_size=1, max_size=40), costs, manners, st.sets(blocks, max_size=5))
def test_a_plan_fetches_everything_and_breaks_no_rule(
    wanted: list[Block], cost: Cost, manners: Manners, refused: set[Block]
) -> None:
    found = plan(wanted, cost, manners, refused)
    assert all(any(block.holds(part) for block in found) for part in wanted)
    assert len(set(found)) == len(found)
    for block in found:
        if block in wanted:
            continue
        assert block.count <= manners.most
        assert not any(block.holds(part) for part in refused)
        fetched = {address for part in wanted if block.holds(part) for address in range(part.address, part.end)}
        assert manners.gaps or fetched == set(range(block.address, block.end))


def runs(wanted: Sequence[Block]) -> Iterator[list[Block]]:
    """Every way to cut `wanted` into requests of neighbours."""
    if not wanted:
        yield []
    for size in range(1, len(wanted) + 1):
        for rest in runs(wanted[size:]):
            yield [hull(wanted[:size]), *rest]


@given(st.sets(st.builds(held, st.integers(0, 60), st.sampled_from((1, 2, 4))), min_size=1, max_size=8), costs)
def test_no_other_plan_takes_less_time(wanted: set[Block], cost: Cost) -> None:
    def seconds(requests: Sequence[Block]) -> float:
        return sum(cost.of(request.count) for request in requests)

    least = min(map(seconds, runs(outermost(wanted))))
    assert seconds(plan(wanted, cost)) == pytest.approx(least)


def test_a_request_holds_125_registers_at_most() -> None:
    found = plan([held(2 * at) for at in range(150)], Cost(1, 0))
    assert len(found) == 3
    assert sum(block.count for block in found) == 300
    assert max(block.count for block in found) <= 125


def test_the_model_may_bear_less() -> None:
    assert [block.count for block in plan([held(2 * at) for at in range(4)], Cost(1, 0), Manners(most=4))] == [4, 4]
    assert plan([held(0, 4)], Cost(1, 0), Manners(most=2)) == (held(0, 4),), "a value is never split"


def test_the_two_spaces_are_never_mixed() -> None:
    found = plan([held(0), held(2, 2, Space.INPUT), held(4)], Cost(1, 0))
    assert found == (held(0, 6), held(2, 2, Space.INPUT))


@pytest.mark.parametrize(("baud", "filled"), [(1200, 10), (9600, 12), (19200, 14), (115200, 55)])
def test_a_gap_is_filled_where_the_wire_is_faster_with_it(baud: int, filled: int) -> None:
    """9,600 baud: 13 characters, two silences of 3.5 and 5 ms are 25.8 ms; a register is 2 characters, 2.1 ms."""
    cost = read_cost(BusSettings("pond", Protocol.MODBUS_RTU, SerialLine("/dev/ttyUSB0", baud)))
    assert len(plan([held(0), held(2 + filled)], cost)) == 1
    assert len(plan([held(0), held(3 + filled)], cost)) == 2


def test_a_network_fills_every_gap_that_fits() -> None:
    cost = read_cost(BusSettings("shore", Protocol.MODBUS_TCP, TcpEndpoint("10.0.0.7")))
    assert plan([held(0), held(123)], cost) == (held(0, 125),)
    assert len(plan([held(0), held(124)], cost)) == 2


def test_a_probe_that_ignores_undocumented_registers_is_not_asked_for_them() -> None:
    assert plan([held(0), held(2), held(6)], Cost(1, 0), Manners(gaps=False)) == (held(0, 4), held(6))


def test_what_was_refused_is_planned_around() -> None:
    wanted = [held(0), held(2), held(4), held(6)]
    assert plan(wanted, Cost(1, 0), STANDARD, [held(4)]) == (held(0, 4), held(4), held(6))
    assert plan(wanted, Cost(1, 0), STANDARD, [held(0, 8)]) in [
        (held(0), held(2, 6)),
        (held(0, 4), held(4, 4)),
        (held(0, 6), held(6)),
    ]


def test_silence_between_frames_is_three_and_a_half_characters_but_175_ms_at_least() -> None:
    assert frame_gap_s(SerialLine("x", 9600)) == pytest.approx(0.003646, rel=1e-3)
    assert frame_gap_s(SerialLine("x", 9600, "E")) == pytest.approx(0.00401, rel=1e-3)
    assert frame_gap_s(SerialLine("x", 115200)) == 0.00175
