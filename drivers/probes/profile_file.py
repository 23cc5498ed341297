"""Reads a probe model from its TOML file, and tells everything that is wrong with it at once."""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from drivers.decoding import Table
from drivers.interfaces import Profile
from drivers.probes import profile_facts as facts
from drivers.probes import profile_registers as registers
from drivers.probes.modbus_table import TableProfile
from drivers.probes.profile_entry import Entry, ProfileError
from drivers.probes.sdi12_sensor import read_sdi12
from drivers.probes.text_instrument import read_text_instrument
from drivers.registers import ORDERS

_TEXT_MODELS: Final[dict[str, Callable[[str, Entry, list[str]], Profile]]] = {
    "sdi-12": read_sdi12,
    "text-stream": read_text_instrument,
}


def read_profile(file: Path) -> Profile:
    """The probe model in `file`, named after it: Modbus unless its `protocol` says otherwise.

    Raises ProfileError listing all that is wrong.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProfileError(file, [f"cannot be read as TOML: {error}"]) from error
    return profile_of(file, content)


def profile_of(file: Path, content: Mapping[str, Any]) -> Profile:
    """The probe model that `content`, which stands in `file`, describes. Raises ProfileError."""
    problems: list[str] = []
    top = Entry("", content, problems)
    if "protocol" in content:
        protocol = top.choice("protocol", tuple(_TEXT_MODELS))
        if problems:  # which keys may stand here cannot be told then
            raise ProfileError(file, problems)
        model = _TEXT_MODELS[protocol](file.stem, top, problems)
        top.nothing_else()
        if problems:
            raise ProfileError(file, problems)
        return model
    title = top.text("title", "say what the model is, in quotes")
    manufacturer = top.text("manufacturer", "say who makes it, in quotes")
    manual = top.text("manual", "say which document and table the registers come from")
    revision = top.optional_text("revision")
    orders = top.choices("byte_order", tuple(ORDERS))
    verified = top.text("byte_order_verified", "say how the byte order was made sure of")
    unverified = top.texts("unverified", "list what was taken on trust, in quotes") if top.has("unverified") else ()
    serial, unit = facts.serial(top.table("serial"))
    manners = facts.manners(top)
    timing = facts.timing(top.optional_table("timing"))
    start = facts.start(top.optional_table("start"))
    identity = facts.identity(top.optional_table("identity"), orders[0])
    calibration = facts.calibration(top.optional_table("calibration"))
    content_of = registers.read(top, orders)
    top.nothing_else()
    problems += registers.contradictions(content_of, orders)
    if start is not None and start.once and timing.stabilise_s is None:
        problems.append("timing.stabilise_s is missing: say how long after its start the values are to be believed")
    if problems:
        raise ProfileError(file, problems)
    return TableProfile(
        name=file.stem,
        title=title,
        manufacturer=manufacturer,
        manual=manual,
        revision=revision,
        byte_order_verified=verified,
        unverified=unverified,
        serial=serial,
        unit=unit,
        manners=manners,
        timing=timing,
        start=start,
        identity=identity,
        calibration=calibration,
        channels=content_of.channels,
        table=Table(
            content_of.registers,
            content_of.requirements,
            content_of.blocks,
            content_of.idle,
            orders if len(orders) > 1 else (),
        ),
    )
