"""The part of a probe model's file that tells its manners: line, times, order to measure, identity, calibration."""

from typing import Final

from agent.domain.farm import SerialLine
from drivers.planning import MOST_REGISTERS, STANDARD, Block, Manners
from drivers.probes.modbus_facts import MORE_FORMS, Calibration, CalibrationRegister, Identity, Start, Timing
from drivers.probes.profile_entry import Entry
from drivers.probes.profile_registers import SPACES
from drivers.registers import ORDERS, TYPES

_PARITIES: Final = ("N", "E", "O")
_MOST_WRITTEN: Final = 123  # in one request; MODBUS Application Protocol V1.1b3, section 6.12
_IDENTITIES: Final = ("model", "serial_number", "firmware")


def serial(entry: Entry) -> tuple[SerialLine, int]:
    """The factory settings of the line, and the factory address."""
    baud = entry.integer("baud", 300, 1_000_000)
    parity = entry.choice("parity", _PARITIES)
    stop_bits = entry.integer("stop_bits", 1, 2)
    unit = entry.integer("unit", 1, 247)
    entry.nothing_else()
    return SerialLine("", baud, parity, stop_bits), unit


def manners(entry: Entry) -> Manners:
    """How many registers one request may be for, and whether it may hold registers that nobody wants."""
    most = entry.integer("most_registers", 1, MOST_REGISTERS) if entry.has("most_registers") else STANDARD.most
    return Manners(most, entry.yes("gaps", STANDARD.gaps))


def timing(entry: Entry | None) -> Timing:
    if entry is None:
        return Timing()
    times = Timing(
        entry.seconds("warm_up_s"),
        entry.seconds("stabilise_s"),
        entry.seconds("measure_s"),
        entry.seconds("min_period_s"),
    )
    entry.nothing_else()
    return times


def start(entry: Entry | None) -> Start | None:
    if entry is None:
        return None
    address = entry.integer("address", 0, 65535)
    space = SPACES[entry.choice("space", tuple(SPACES), "holding")]
    write, count = None, 0
    if entry.has("write") == entry.has("read"):
        entry.missing("write", "say which registers to write ([] for none), or with `read` how many to read, not both")
    elif entry.has("write"):
        write = entry.integers("write", 0, 65535)
        if len(write) > _MOST_WRITTEN:
            entry.wrong("write", list(write), f"at most {_MOST_WRITTEN} registers go into one request")
    else:
        count = entry.integer("read", 1, MOST_REGISTERS)
    single = entry.yes("single")
    if single and (write is None or len(write) != 1):
        entry.wrong("single", True, "function 6 writes exactly one register")
    wait_ms = Block(space, entry.integer("wait_ms_address", 0, 65535), 1) if entry.has("wait_ms_address") else None
    ordered = Start(
        Block(space, address, count), write, single, entry.yes("once"), entry.seconds("wait_s") or 0.0, wait_ms
    )
    entry.nothing_else()
    return ordered


def identity(entry: Entry | None, order: str) -> tuple[Identity, ...]:
    if entry is None:
        return ()
    found = [_identity(what, table, order) for what in _IDENTITIES if (table := entry.optional_table(what))]
    entry.nothing_else()
    return tuple(found)


def _identity(what: str, entry: Entry, order: str) -> Identity:
    space = SPACES[entry.choice("space", tuple(SPACES), "holding")]
    address = entry.integer("address", 0, 65535)
    form = entry.choice("type", (*TYPES, *MORE_FORMS))
    count = entry.integer("count", 1, MOST_REGISTERS) if form in MORE_FORMS else TYPES[form][1]
    order = entry.choice("byte_order", tuple(ORDERS), order)
    found = Identity(what, Block(space, address, count), form, order, entry.optional_text("expect"))
    entry.nothing_else()
    return found


def calibration(entry: Entry | None) -> Calibration:
    if entry is None:
        return Calibration()
    steps = entry.texts("steps", "list what to do, step by step, in quotes")
    registers = [_calibration_register(register) for register in entry.tables("register")]
    entry.nothing_else()
    return Calibration(steps, tuple(registers))


def _calibration_register(entry: Entry) -> CalibrationRegister:
    found = CalibrationRegister(
        SPACES[entry.choice("space", tuple(SPACES), "holding")],
        entry.integer("address", 0, 65535),
        entry.choice("type", tuple(TYPES)),
        entry.text("means", "say what is written or read there"),
    )
    entry.nothing_else()
    return found
