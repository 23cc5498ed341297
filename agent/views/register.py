"""Registers in a probe model's words: which channel they belong to, and what they come to."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from agent.domain.reading import Missing
from drivers.decoding import Table
from drivers.interfaces import Profile, Space
from drivers.planning import Block
from drivers.probes.modbus_table import TableProfile
from drivers.registers import Register

NO_TABLE = Table(())


def table_of(profile: Profile | None) -> Table:
    """What the model keeps where; an empty table when it is not described by one."""
    return profile.table if isinstance(profile, TableProfile) else NO_TABLE


def values_in(table: Table, space: Space, address: int, words: Sequence[int]) -> Mapping[Register, float | Missing]:
    """What `words`, read from wire address `address`, mean for each register of `table` that lies in them whole.

    What the model requires is checked as far as it lies in them, too.
    """
    block = Block(space, address, len(words))
    inside = [register for register in table.registers if block.holds(register.place.block)]
    if not inside:
        return {}
    demands = [requirement for requirement in table.requirements if block.holds(requirement.place.block)]
    values = Table(inside, demands, [block], orders=table.orders).values([words])
    return {register: values[register.channel] for register in inside}


def number_in(register: Register, words: Sequence[int]) -> float | Missing:
    """The number that `words`, all of one register, hold before it is converted."""
    place = register.place
    plain = replace(register, scale=Fraction(1), offset=0.0, unit=register.quantity.unit, bad=())
    return values_in(Table([plain]), place.space, place.address, words)[plain]


def hexadecimal(words: Sequence[int]) -> str:
    return " ".join(f"{word:04X}" for word in words)
