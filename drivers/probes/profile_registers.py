"""The part of a probe model's file that says what its registers mean: channels, requirements, idle states, blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from agent.domain.quantity import Quantity
from drivers.interfaces import Channel, Space
from drivers.planning import MOST_REGISTERS, Block
from drivers.probes.profile_entry import Entry
from drivers.registers import ORDERS, TYPES, Idle, Place, Register, Requirement, tells_orders_apart
from drivers.units import UNITS

SPACES: Final = {space.name.lower(): space for space in Space}
_QUANTITIES: Final = {quantity.sensor_type: quantity for quantity in Quantity}


@dataclass(frozen=True, slots=True)
class Content:
    """What the registers of one model mean."""

    registers: tuple[Register, ...]
    channels: tuple[Channel, ...]
    requirements: tuple[Requirement, ...]
    idle: tuple[Idle, ...]
    blocks: tuple[Block, ...]


def read(top: Entry, orders: Sequence[str]) -> Content:
    """From the file's outermost table; values are in the first of `orders` unless they say otherwise."""
    order = orders[0]
    measured = [_channel(entry, order) for entry in top.tables("channel")]
    if not measured:
        top.missing("channel", "add a [[channel]] for every quantity the probe measures")
    return Content(
        tuple(register for register, _, _ in measured),
        tuple(channel for _, channel, _ in measured),
        tuple(
            [need for _, _, needs in measured for need in needs]
            + [
                _requirement(entry, order, entry.texts("channels", "list the channels that need it, in quotes"))
                for entry in top.tables("require")
            ]
        ),
        tuple(_idle(entry) for entry in top.tables("idle")),
        tuple(_block(entry) for entry in top.tables("block")),
    )


def _channel(entry: Entry, order: str) -> tuple[Register, Channel, list[Requirement]]:
    name = entry.text("name", "name the channel, in quotes")
    quantity_is_known = entry.has("quantity") and entry.content["quantity"] in tuple(_QUANTITIES)
    quantity = _QUANTITIES[entry.choice("quantity", tuple(_QUANTITIES))]
    # An unknown quantity is one mistake: which units it may have cannot be told.
    units = UNITS[quantity] if quantity_is_known else {unit for known in UNITS.values() for unit in known}
    unit = entry.choice("unit", tuple(units))
    place = _place(entry, order)
    scale = Fraction(repr(entry.number("scale", 1.0)))
    if scale == 0:
        entry.wrong("scale", 0, "zero would make every value zero")
    register = Register(name, place, quantity, unit, scale, entry.number("offset", 0.0), entry.numbers("bad"))
    channel = Channel(name, quantity, entry.span())
    needs = [_requirement(need, order, (name,)) for need in entry.tables("require")]
    entry.nothing_else()
    return register, channel, needs


def _place(entry: Entry, order: str, type_: str | None = None) -> Place:
    place = Place(
        space=SPACES[entry.choice("space", tuple(SPACES), "holding")],
        address=entry.integer("address", 0, 65535),
        type=entry.choice("type", tuple(TYPES), type_),
        order=entry.choice("byte_order", tuple(ORDERS), order),
        bits=_bits(entry),
    )
    if place.bits and place.type.startswith("float"):
        entry.wrong("bits", list(place.bits), "only whole numbers have bits")
    elif place.bits and place.bits[1] >= 16 * TYPES[place.type][1]:
        entry.wrong("bits", list(place.bits), f"a {place.type} has bits 0 to {16 * TYPES[place.type][1] - 1}")
    return place


def _bits(entry: Entry) -> tuple[int, int] | None:
    if not entry.has("bits"):
        return None
    bits = entry.integers("bits", 0, 63)
    if len(bits) in (1, 2) and bits[0] <= bits[-1]:
        return bits[0], bits[-1]
    if bits:
        entry.wrong("bits", list(bits), "write [first, last], or one bit, counted from the lowest, 0")
    return None


def _requirement(entry: Entry, order: str, channels: tuple[str, ...]) -> Requirement:
    place = _place(entry, order, "uint16")
    if place.type.startswith("float"):
        entry.wrong("type", place.type, "a requirement compares whole numbers")
    equals = entry.integers("equals", -(2**63), 2**64 - 1, fewest=1)
    because = entry.text("because", "say what another value means")
    codes = _codes(entry.optional_table("codes"))
    entry.nothing_else()
    return Requirement(place, equals, channels, because, codes)


def _codes(entry: Entry | None) -> dict[int, str]:
    """Code → meaning; the keys of TOML are texts, so `7 = "…"` and `0x10 = "…"` are both read as numbers."""
    if entry is None:
        return {}
    codes = {}
    for key, meaning in entry.items().items():
        try:
            codes[int(key, 0)] = str(meaning)
        except ValueError:
            entry.wrong(key, meaning, "the key is a code, a whole number")
    return codes


def _idle(entry: Entry) -> Idle:
    idle = Idle(
        entry.texts("channels", "list the channels that are all zero then, in quotes"),
        entry.text("because", "say what all zeros mean"),
    )
    entry.nothing_else()
    return idle


def _block(entry: Entry) -> Block:
    space = SPACES[entry.choice("space", tuple(SPACES), "holding")]
    block = Block(space, entry.integer("address", 0, 65535), entry.integer("count", 1, MOST_REGISTERS))
    entry.nothing_else()
    return block


def contradictions(content: Content, orders: Sequence[str]) -> list[str]:
    """What is right key by key and wrong together."""
    names = [channel.name for channel in content.channels]
    problems = [f"channel name {name!r} is used twice" for name in sorted({n for n in names if names.count(n) > 1})]
    named = [("require", need.channels) for need in content.requirements]
    named += [("idle", idle.channels) for idle in content.idle]
    for where, channels in named:
        problems += [
            f"{where}.channels names {name!r}, which is no channel here" for name in channels if name not in names
        ]
    places = [register.place for register in content.registers] + [need.place for need in content.requirements]
    for place in dict.fromkeys(places):
        if place.end > 65536:
            problems.append(f"address {place.address:#06x}: a {place.type} does not fit before the last register")
        elif content.blocks and not any(block.holds(place.block) for block in content.blocks):
            problems.append(f"address {place.address:#06x}: no [[block]] holds all registers of this {place.type}")
    problems += [
        f"block at {block.address:#06x}: ends after the last register" for block in content.blocks if block.end > 65536
    ]
    return problems + (_undecided(content, orders) if len(orders) > 1 else [])


def _undecided(content: Content, orders: Sequence[str]) -> list[str]:
    """Channels for which nothing would tell which of `orders` is the device's."""
    told = {
        name
        for need in content.requirements
        if need.equals and need.place.bits is None and tells_orders_apart(need, orders)
        for name in need.channels
    }
    return [
        f"channel {register.channel!r}: with several byte orders it needs a [[require]] on a longer number that reads "
        "differently in each of them"
        for register in content.registers
        if TYPES[register.place.type][1] > 1 and register.channel not in told
    ]
