"""Reads a probe model from its TOML file, and tells everything that is wrong with it at once."""

import tomllib
from fractions import Fraction
from pathlib import Path
from typing import Final

from agent.domain.farm import SerialLine
from agent.domain.quantity import Quantity
from drivers.decoding import Table
from drivers.interfaces import Channel, Space
from drivers.planning import MOST_REGISTERS, Block
from drivers.probes.modbus_table import TableProfile
from drivers.probes.profile_entry import Entry, ProfileError
from drivers.registers import ORDERS, TYPES, Place, Register, Requirement
from drivers.units import UNITS

_SPACES: Final = {space.name.lower(): space for space in Space}
_QUANTITIES: Final = {quantity.sensor_type: quantity for quantity in Quantity}
_PARITIES: Final = ("N", "E", "O")


def read_profile(file: Path) -> TableProfile:
    """The probe model in `file`, named after it. Raises ProfileError listing all that is wrong."""
    problems: list[str] = []
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProfileError(file, [f"cannot be read as TOML: {error}"]) from error
    top = Entry("", content, problems)
    title = top.text("title", "say what the model is, in quotes")
    manufacturer = top.text("manufacturer", "say who makes it, in quotes")
    manual = top.text("manual", "say which document and table the registers come from")
    order = top.choice("byte_order", tuple(ORDERS))
    verified = top.text("byte_order_verified", "say how the byte order was made sure of")
    serial, unit = _serial(top.table("serial"))
    registers, channels = _channels(top.tables("channel"), order, problems)
    requirements = [_requirement(entry, order) for entry in top.tables("require")]
    blocks = [_block(entry) for entry in top.tables("block")]
    top.nothing_else()
    problems += _contradictions(registers, requirements, blocks)
    if problems:
        raise ProfileError(file, problems)
    return TableProfile(
        name=file.stem,
        title=title,
        manufacturer=manufacturer,
        manual=manual,
        byte_order_verified=verified,
        serial=serial,
        unit=unit,
        channels=tuple(channels),
        table=Table(registers, requirements, blocks),
    )


def _serial(entry: Entry) -> tuple[SerialLine, int]:
    baud = entry.integer("baud", 300, 1_000_000)
    parity = entry.choice("parity", _PARITIES)
    stop_bits = entry.integer("stop_bits", 1, 2)
    unit = entry.integer("unit", 1, 247)
    entry.nothing_else()
    return SerialLine("", baud, parity, stop_bits), unit


def _channels(entries: list[Entry], order: str, problems: list[str]) -> tuple[list[Register], list[Channel]]:
    registers: list[Register] = []
    channels: list[Channel] = []
    for entry in entries:
        name = entry.text("name", "name the channel, in quotes")
        so_far = len(problems)
        quantity = _QUANTITIES[entry.choice("quantity", tuple(_QUANTITIES))]
        # An unknown quantity is one mistake: which units it may have cannot be told.
        units = UNITS[quantity] if len(problems) == so_far else {unit for known in UNITS.values() for unit in known}
        unit = entry.choice("unit", tuple(units))
        place = _place(entry, order)
        scale = Fraction(repr(entry.number("scale", 1.0)))
        offset = entry.number("offset", 0.0)
        registers.append(Register(name, place, quantity, unit, scale, offset, entry.numbers("bad")))
        channels.append(Channel(name, quantity, entry.span()))
        if scale == 0:
            entry.wrong("scale", 0, "zero would make every value zero")
        entry.nothing_else()
    if not entries:
        problems.append("channel is missing: add a [[channel]] for every quantity the probe measures")
    return registers, channels


def _place(entry: Entry, order: str) -> Place:
    return Place(
        space=_SPACES[entry.choice("space", tuple(_SPACES), "holding")],
        address=entry.integer("address", 0, 65535),
        type=entry.choice("type", tuple(TYPES)),
        order=entry.choice("byte_order", tuple(ORDERS), order),
    )


def _requirement(entry: Entry, order: str) -> Requirement:
    place = _place(entry, order)
    equals = entry.integer("equals", -(2**31), 2**32 - 1)
    channels = entry.texts("channels", "list the channels that need it, in quotes")
    because = entry.text("because", "say what another value means")
    entry.nothing_else()
    return Requirement(place, (equals,), channels, because)


def _block(entry: Entry) -> Block:
    space = _SPACES[entry.choice("space", tuple(_SPACES), "holding")]
    block = Block(space, entry.integer("address", 0, 65535), entry.integer("count", 1, MOST_REGISTERS))
    entry.nothing_else()
    return block


def _contradictions(registers: list[Register], requirements: list[Requirement], blocks: list[Block]) -> list[str]:
    """What is right key by key and wrong together."""
    names = [register.channel for register in registers]
    problems = [f"channel name {name!r} is used twice" for name in sorted({n for n in names if names.count(n) > 1})]
    problems += [
        f"require.channels names {channel!r}, which is no channel here"
        for requirement in requirements
        for channel in requirement.channels
        if channel not in names
    ]
    for place in [register.place for register in registers] + [requirement.place for requirement in requirements]:
        if place.end > 65536:
            problems.append(f"address {place.address:#06x}: a {place.type} does not fit before the last register")
        elif blocks and not any(block.holds(place.block) for block in blocks):
            problems.append(f"address {place.address:#06x}: no [[block]] holds all registers of this {place.type}")
    problems += [
        f"block at {block.address:#06x}: ends after the last register" for block in blocks if block.end > 65536
    ]
    return problems
