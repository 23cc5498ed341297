"""A probe that does not accept a request still gives all that it has, and is not asked that way again."""

import asyncio
from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.clock import Clock
from agent.domain.errors import AquaError, BusError, NoReply, ProbeError, Refused
from agent.domain.quantity import Quantity
from agent.domain.reading import Missing
from drivers.decoding import Table
from drivers.interfaces import Cost, Space
from drivers.planning import Block, Manners
from drivers.probes.block_reader import BlockReader
from drivers.probes.modbus_table import TableDriver
from drivers.registers import ORDERS, TYPES, Place, Register
from tests.clock import FakeClock

ILLEGAL_ADDRESS, ILLEGAL_VALUE, BUSY = 2, 3, 6
CHEAP = Cost(1.0, 0.001)  # every gap is worth filling


class Device:
    """Registers whose content is made from their address; `illegal` ones it does not have.

    It refuses, or is `mute`, when a request touches one of those, or is for more than `most`.
    """

    name = "line"
    quiet_s = 0.0
    clock: Clock = FakeClock()

    def __init__(
        self, illegal: Sequence[tuple[Space, int]] = (), most: int = 125, mute: bool = False, cost: Cost = CHEAP
    ) -> None:
        self.illegal, self.most, self.mute, self.cost = set(illegal), most, mute, cost
        self.dead = False
        self.trouble: AquaError | None = None
        self.asked: list[tuple[int, int]] = []

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def write(self, unit: int, address: int, registers: Sequence[int], single: bool = False) -> None: ...

    async def read(self, unit: int, space: Space, address: int, count: int) -> tuple[int, ...]:
        self.asked.append((address, count))
        if self.trouble:
            raise self.trouble
        code = ILLEGAL_VALUE if count > self.most else 0
        if any((space, at) in self.illegal for at in range(address, address + count)):
            code = ILLEGAL_ADDRESS
        if self.dead or (code and self.mute):
            raise NoReply("no reply in 0.5 s on /dev/ttyPond, unit 1")
        if code:
            raise Refused(f"exception {code}", code)
        return tuple(content(space, at) for at in range(address, address + count))


def content(space: Space, address: int) -> int:
    return (address * 40503 + space.value * 12345) & 0xFFFF


def plain(channel: str, place: Place) -> Register:
    return Register(channel, place, Quantity.ORP, "mV", Fraction(1))


places = st.builds(
    Place,
    st.sampled_from(Space),
    st.integers(0, 60),
    st.sampled_from(sorted(TYPES)),
    st.sampled_from(sorted(ORDERS)),
)
tables = st.lists(places, min_size=1, max_size=10).map(
    lambda found: [plain(f"channel {index}", place) for index, place in enumerate(found)]
)
illegal = st.sets(st.tuples(st.sampled_from(Space), st.integers(0, 64)), max_size=20)


def alone(register: Register, device: Device) -> float | None:
    """What a single read of this register gives; None when the device does not have all of it."""
    place = register.place
    addresses = range(place.address, place.end)
    if any((place.space, at) in device.illegal for at in addresses):
        return None
    value = Table([register]).values([[content(place.space, at) for at in addresses]])[register.channel]
    return None if isinstance(value, Missing) else value


@given(
    tables,
    illegal,
    st.builds(Cost, st.floats(0.001, 1), st.floats(0, 0.1)),
    st.builds(Manners, st.sampled_from((1, 4, 17, 125)), st.booleans()),
    st.sampled_from((4, 9, 125)),
)
def test_every_value_is_what_a_single_read_gives(
    registers: list[Register], missing: set[tuple[Space, int]], cost: Cost, manners: Manners, most: int
) -> None:
    """For any table, any set of registers that the device does not have, and any length that it bears."""
    device = Device(sorted(missing, key=str), most, cost=cost)
    driver = TableDriver(Table(registers), device, 1, manners)
    expected = {register.channel: alone(register, device) for register in registers}
    for _ in range(4):
        try:
            values = asyncio.run(driver.read())
        except Refused:
            assert set(expected.values()) == {None}
        else:
            found = {name: None if isinstance(value, Missing) else value for name, value in values.items()}
            assert found == expected


@given(tables, illegal)
def test_a_probe_that_stays_silent_instead_gives_all_that_it_has_after_some_turns(
    registers: list[Register], missing: set[tuple[Space, int]]
) -> None:
    device = Device(sorted(missing, key=str), mute=True)
    driver = TableDriver(Table(registers), device, 1)
    expected = {register.channel: alone(register, device) for register in registers}
    found: dict[str, float | None] = {}
    for _ in range(2 * len(registers) + 2):
        try:
            values = asyncio.run(driver.read())
        except NoReply:
            continue
        found = {name: None if isinstance(value, Missing) else value for name, value in values.items()}
        assert all(value in (None, expected[name]) for name, value in found.items())
    assert found == expected or set(expected.values()) == {None}


def read(device: Device, reader: BlockReader, turns: int = 1) -> list[list[tuple[int, int]]]:
    """The requests of each turn."""
    asked = []
    for _ in range(turns):
        device.asked = []
        asyncio.run(reader.read())
        asked.append(device.asked)
    return asked


def held(address: int, count: int = 2) -> Block:
    return Block(Space.HOLDING, address, count)


def test_an_illegal_gap_is_asked_for_once() -> None:
    device = Device([(Space.HOLDING, 3)])
    reader = BlockReader(device, 1, [held(0), held(4), held(6)])
    first, second = read(device, reader, 2)
    assert first == [(0, 8), (0, 2), (4, 4)]
    assert second == [(0, 2), (4, 4)]


def test_a_value_that_the_probe_does_not_have_is_found_by_halves_and_then_asked_for_alone() -> None:
    device = Device([(Space.HOLDING, 8)])
    reader = BlockReader(device, 1, [held(at) for at in range(0, 16, 2)])
    first, second = read(device, reader, 2)
    assert first == [(0, 16), (0, 8), (8, 8), (8, 4), (8, 2), (10, 2), (12, 4)]
    assert sorted(second) == [(0, 8), (8, 2), (10, 6)]


def test_a_value_that_comes_to_be_is_read_with_its_neighbours_again() -> None:
    """A probe that starts up may refuse everything for a while."""
    device = Device([(Space.HOLDING, at) for at in range(8)])
    reader = BlockReader(device, 1, [held(at) for at in range(0, 8, 2)])
    with pytest.raises(Refused):
        read(device, reader)
    device.illegal.clear()
    assert read(device, reader, 2)[1] == [(0, 8)]


def test_a_probe_that_bears_fewer_registers_than_its_profile_says_is_asked_for_fewer() -> None:
    device = Device(most=4)
    reader = BlockReader(device, 1, [held(at) for at in range(0, 8, 2)])
    assert read(device, reader, 3)[2] == [(0, 4), (4, 4)]


def test_declared_requests_are_made_as_they_are_and_split_like_others() -> None:
    device = Device([(Space.HOLDING, 9)])
    wanted, declared = [held(0), held(4), held(20)], [held(0, 10), held(20, 10)]
    first, second = read(device, BlockReader(device, 1, wanted, declared), 2)
    assert first == [(0, 10), (0, 6), (20, 10)]
    assert sorted(second) == [(0, 6), (20, 10)]


def test_a_probe_that_ignores_what_it_does_not_know_is_told_from_a_dead_one() -> None:
    device = Device([(Space.HOLDING, 3)], mute=True)
    reader = BlockReader(device, 1, [held(0), held(4)])
    with pytest.raises(NoReply):
        read(device, reader)
    assert device.asked == [(0, 6)], "one time-out a turn"
    assert read(device, reader, 2) == [[(4, 2), (0, 6), (0, 2), (4, 2)], [(0, 2), (4, 2)]]


def test_a_dead_probe_costs_one_time_out_a_turn() -> None:
    device = Device()
    device.dead = True
    reader = BlockReader(device, 1, [held(0), held(4), held(200)])
    for _ in range(10):
        with pytest.raises(NoReply):
            read(device, reader)
        assert len(device.asked) == 1
    device.dead = False
    assert read(device, reader, 2)[1] == [(0, 6), (200, 2)]


def test_a_time_out_between_answers_teaches_nothing() -> None:
    device = Device()
    reader = BlockReader(device, 1, [held(0), held(4)])
    read(device, reader)
    device.dead = True
    with pytest.raises(NoReply):
        read(device, reader)
    device.dead = False
    assert read(device, reader) == [[(0, 6)]]


def test_another_probe_in_the_place_of_a_silent_one_is_asked_afresh() -> None:
    device = Device([(Space.HOLDING, 3)])
    reader = BlockReader(device, 1, [held(0), held(4)])
    read(device, reader)
    device.dead = True
    for _ in range(3):
        with pytest.raises(NoReply):
            read(device, reader)
    device.dead = False
    device.illegal.clear()
    assert read(device, reader, 2)[1] == [(0, 6)]


@pytest.mark.parametrize("error", [Refused("exception 6", BUSY), ProbeError("CRC error")])
def test_other_errors_are_no_reason_to_ask_differently(error: ProbeError) -> None:
    device = Device()
    reader = BlockReader(device, 1, [held(0), held(4)])
    read(device, reader)
    device.trouble = error
    with pytest.raises(type(error)):
        read(device, reader)
    device.trouble = None
    assert read(device, reader) == [[(0, 6)]]


def test_a_port_that_is_lost_ends_the_turn() -> None:
    device = Device()
    reader = BlockReader(device, 1, [held(0), held(200)])
    device.trouble = BusError("/dev/ttyPond was lost")
    with pytest.raises(BusError):
        read(device, reader)
    assert device.asked == [(0, 2)]
