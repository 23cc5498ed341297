"""Register tables: every type and order, and that a plan never changes a value."""

import math
import struct
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agent.domain.quantity import Quantity
from agent.domain.reading import Missing
from drivers.decoding import Answer, Table
from drivers.interfaces import Space
from drivers.planning import Block
from drivers.registers import ORDERS, TYPES, Idle, Place, Register, Requirement, tells_orders_apart
from drivers.units import UNITS


def words(type_: str, order: str, value: float) -> tuple[int, ...]:
    """The registers of `value`, written out byte by byte from the order's name: A is the highest byte."""
    letter, size = TYPES[type_]
    highest_first = struct.pack(f">{letter}", value)
    pairs = [highest_first[at : at + 2] for at in range(0, 2 * size, 2)]
    if order in ("CDAB", "DCBA"):
        pairs.reverse()
    if order in ("BADC", "DCBA"):
        pairs = [pair[::-1] for pair in pairs]
    return tuple(int.from_bytes(pair, "big") for pair in pairs)


def numbers(type_: str) -> st.SearchStrategy[float]:
    if type_.startswith("float"):
        return st.floats(width=32 if type_ == "float32" else 64, allow_nan=False, allow_infinity=False)
    bits = int(type_[-2:])
    return st.integers(0, 2**bits - 1) if type_[0] == "u" else st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def plain(channel: str, place: Place) -> Register:
    return Register(channel, place, Quantity.ORP, "mV")


@pytest.mark.parametrize(
    ("order", "registers"),
    [("ABCD", (0x418D, 0)), ("CDAB", (0, 0x418D)), ("BADC", (0x8D41, 0)), ("DCBA", (0, 0x8D41))],
)
def test_the_four_orders_of_17_625(order: str, registers: tuple[int, int]) -> None:
    table = Table([plain("x", Place(Space.HOLDING, 0, "float32", order))])
    assert table.values([registers]) == {"x": 17.625}


@given(st.data(), st.sampled_from(sorted(TYPES)), st.sampled_from(sorted(ORDERS)))
def test_every_number_survives_every_order(data: st.DataObject, type_: str, order: str) -> None:
    value = data.draw(numbers(type_))
    table = Table([plain("x", Place(Space.HOLDING, 5, type_, order))])
    assert table.values([words(type_, order, value)]) == {"x": float(value)}


places = st.builds(
    Place,
    st.sampled_from(Space),
    st.integers(0, 300),
    st.sampled_from(sorted(TYPES)),
    st.sampled_from(sorted(ORDERS)),
)
tables = st.lists(places, min_size=1, max_size=12).map(
    lambda found: [plain(f"channel {index}", place) for index, place in enumerate(found)]
)
memories = st.randoms(use_true_random=False).map(
    lambda random: {
        space: [random.choice((0, 0x7F80, 0xFFFF, random.getrandbits(16))) for _ in range(400)] for space in Space
    }
)


def fetch(memory: dict[Space, list[int]], blocks: tuple[Block, ...]) -> list[Answer]:
    return [memory[block.space][block.address : block.end] for block in blocks]


@given(tables, memories)
def test_the_plan_gives_what_single_reads_give(registers: list[Register], memory: dict[Space, list[int]]) -> None:
    table = Table(registers)
    together = table.values(fetch(memory, table.blocks))
    for register in registers:
        alone = Table([register])
        assert together[register.channel] == alone.values(fetch(memory, alone.blocks))[register.channel]


@given(tables, memories, st.data())
def test_a_failed_block_costs_its_own_channels_only(
    registers: list[Register], memory: dict[Space, list[int]], data: st.DataObject
) -> None:
    table = Table(registers)
    good = fetch(memory, table.blocks)
    failed = data.draw(st.sets(st.sampled_from(range(len(good)))))
    gone = Missing("exception 2")
    values = table.values([gone if index in failed else answer for index, answer in enumerate(good)])
    expected = table.values(good)
    for register in registers:
        lost = any(table.blocks[index].holds(register.place.block) for index in failed)
        assert values[register.channel] == (gone if lost else expected[register.channel])


@given(st.sampled_from(sorted(TYPES)), st.lists(st.integers(0, 0xFFFF), min_size=4, max_size=4))
def test_whatever_the_registers_hold_a_value_is_finite_or_missing(type_: str, content: list[int]) -> None:
    register = Register("x", Place(Space.INPUT, 0, type_), Quantity.TEMPERATURE, "°F", Fraction(10), 1.0, (85.0,))
    value = Table([register]).values([content[: TYPES[type_][1]]])["x"]
    assert isinstance(value, Missing) or math.isfinite(value)


@pytest.mark.parametrize(
    ("quantity", "unit", "raw", "canonical"),
    [
        (Quantity.DISSOLVED_OXYGEN_SATURATION, "fraction", 0.5, 50),
        (Quantity.CONDUCTIVITY, "µS/cm", 12880, 12.88),
        (Quantity.DISSOLVED_OXYGEN, "µg/L", 8250, 8.25),
        (Quantity.TEMPERATURE, "°F", 212, 100),
        (Quantity.TEMPERATURE, "K", 273.15, 0),
        (Quantity.ORP, "V", 0.25, 250),
    ],
)
def test_units_become_canonical(quantity: Quantity, unit: str, raw: float, canonical: float) -> None:
    table = Table([Register("x", Place(Space.HOLDING, 0, "float64"), quantity, unit)])
    assert table.values([words("float64", "ABCD", raw)])["x"] == pytest.approx(canonical, abs=1e-9)


def test_every_quantity_has_its_canonical_unit() -> None:
    for quantity in Quantity:
        assert UNITS[quantity][quantity.unit] == (Fraction(1), 0.0)


@given(st.integers(0, 2000))
def test_hundredths_stay_hundredths(raw: int) -> None:
    table = Table([Register("x", Place(Space.HOLDING, 0, "uint16"), Quantity.PH, "pH", Fraction("0.01"))])
    assert table.values([[raw]])["x"] == float(f"{raw / 100:.2f}")


@pytest.mark.parametrize(("type_", "bad"), [("float32", 99.99), ("float32", -9999), ("int16", -1), ("uint16", 32767)])
def test_a_listed_number_is_no_value(type_: str, bad: float) -> None:
    register = Register("x", Place(Space.HOLDING, 0, type_), Quantity.PH, "pH", bad=(bad,))
    value = Table([register]).values([words(type_, "ABCD", bad)])["x"]
    assert isinstance(value, Missing)
    assert "means no value" in value.because


@given(st.integers(0, 0xFFFF))
def test_a_requirement_decides_over_its_channels_alone(found: int) -> None:
    assume(found != 0x1000)
    need = Requirement(Place(Space.HOLDING, 9), (0x1000,), ("ph",), "not pH")
    table = Table([plain("ph", Place(Space.HOLDING, 10)), plain("t", Place(Space.HOLDING, 11))], [need])
    assert table.values([[0x1000, 7, 20]]) == {"ph": 7, "t": 20}
    values = table.values([[found, 7, 20]])
    assert values["t"] == 20
    assert values["ph"] == Missing(f"register 9 holds {found:#x} instead of 0x1000: not pH")


def test_a_requirement_that_could_not_be_read_is_not_met() -> None:
    need = Requirement(Place(Space.HOLDING, 100), (1,), ("ph",), "not pH")
    table = Table([plain("ph", Place(Space.HOLDING, 10))], [need])
    values = table.values([[7], Missing("no reply")])
    assert values == {"ph": Missing("register 100 could not be checked: no reply")}


@given(st.integers(0, 0xFFFF), st.integers(0, 15), st.integers(0, 15))
def test_bits_are_a_number_of_their_own(content: int, one: int, other: int) -> None:
    first, last = sorted((one, other))
    binary = f"{content:016b}"[::-1]  # lowest bit first
    table = Table([plain("x", Place(Space.HOLDING, 5, "int16", bits=(first, last)))])
    assert table.values([[content]]) == {"x": int(binary[first : last + 1][::-1], 2)}


def test_a_status_bit_is_required_whatever_the_others_say() -> None:
    need = Requirement(Place(Space.HOLDING, 9, bits=(9, 9)), (0,), ("o2",), "cap not installed")
    table = Table([plain("o2", Place(Space.HOLDING, 10))], [need])
    assert table.values([[0xFDFF, 7]]) == {"o2": 7}
    assert table.values([[0x0200, 7]]) == {"o2": Missing("register 9 holds 0x1 instead of 0x0: cap not installed")}


def test_a_code_says_what_it_means_and_an_unknown_one_that_it_is_not_good() -> None:
    quality = Requirement(Place(Space.HOLDING, 9), (0, 1), ("ph",), "not good", {7: "no sensor"})
    table = Table([plain("ph", Place(Space.HOLDING, 10))], [quality])
    assert table.values([[1, 7]]) == {"ph": 7}
    assert table.values([[7, 7]]) == {"ph": Missing("register 9 holds 7: no sensor")}
    assert table.values([[5, 7]]) == {"ph": Missing("register 9 holds 0x5 instead of 0x0 or 0x1: not good")}


def test_all_zero_at_once_is_no_value_and_one_zero_is_one() -> None:
    table = Table(
        [plain("t", Place(Space.HOLDING, 0)), plain("o2", Place(Space.HOLDING, 1))],
        idle=[Idle(("t", "o2"), "not measured yet")],
    )
    assert table.values([[0, 0]]) == {"t": Missing("not measured yet"), "o2": Missing("not measured yet")}
    assert table.values([[20, 0]]) == {"t": 20, "o2": 0}


@given(st.sampled_from(("CDAB", "ABCD")), numbers("float32"))
def test_of_two_orders_the_one_that_shows_the_unit_is_believed(order: str, value: float) -> None:
    unit = Requirement(Place(Space.HOLDING, 0, "uint32"), (0x1000,), ("ph",), "not pH")
    table = Table([plain("ph", Place(Space.HOLDING, 2, "float32"))], [unit], orders=("CDAB", "ABCD"))
    assert table.values([words("uint32", order, 0x1000) + words("float32", order, value)]) == {"ph": value}
    other = table.values([words("uint32", order, 0x80) + words("float32", order, value)])
    assert isinstance(other["ph"], Missing)


def test_a_number_that_reads_the_same_both_ways_tells_no_orders_apart() -> None:
    def unit(*equals: int) -> Requirement:
        return Requirement(Place(Space.HOLDING, 0, "uint32"), equals, ("ph",), "not pH")

    assert tells_orders_apart(unit(0x1000, 0x80), ("CDAB", "ABCD"))
    assert not tells_orders_apart(unit(0x00010001), ("CDAB", "ABCD"))
    assert not tells_orders_apart(unit(0x1000, 0x10000000), ("CDAB", "ABCD"))
    assert not tells_orders_apart(Requirement(Place(Space.HOLDING, 0), (1,), ("ph",), ""), ("CDAB", "ABCD"))


def test_declared_blocks_must_hold_every_register() -> None:
    with pytest.raises(ValueError, match="no block holds"):
        Table([plain("ph", Place(Space.HOLDING, 10))], blocks=[Block(Space.INPUT, 10, 1)])
