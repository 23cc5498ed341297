"""Names of gateways, tanks and probes."""

import re
from collections.abc import Collection

from agent.domain.farm import DERIVED, GATEWAY
from agent.domain.quantity import Quantity
from drivers.interfaces import Profile

# What a probe is called after, the first that it measures.
_KINDS = {
    Quantity.DISSOLVED_OXYGEN: "do",
    Quantity.DISSOLVED_OXYGEN_SATURATION: "do",
    Quantity.PH: "ph",
    Quantity.CONDUCTIVITY: "ec",
    Quantity.SALINITY: "ec",
    Quantity.ORP: "orp",
    Quantity.PRESSURE: "level",
    Quantity.TEMPERATURE: "temperature",
}


def no_name(answer: str) -> str | None:
    """Why that cannot be such a name."""
    if answer in (GATEWAY, DERIVED):
        return "that name is taken"
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", answer):
        return "letters, digits, - and _ only, 64 at most"
    return None


def name_of(text: str) -> str:
    """`text` as such a name."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-")[:64] or "farm"


def probe_name(model: Profile, taken: Collection[str]) -> str:
    """`do-1` for the first that measures oxygen."""
    measured = [channel.quantity for channel in model.channels]
    kind = next((kind for quantity, kind in _KINDS.items() if quantity in measured), "probe")
    return next(name for number in range(1, len(taken) + 2) if (name := f"{kind}-{number}") not in taken)
