"""What an Atlas EZO circuit's lines say. Pure.

Case and blanks vary with the firmware (`?Cal,2`, `?CAL,2`, `?i, D.O., 1.98`), so neither counts.
"""

import math
import re
from collections.abc import Sequence
from typing import Final

_NUMBER: Final = re.compile(r"-?(\d+(\.\d+)?|nan|inf)", re.ASCII)  # float() would take 7e02 and 7_002 as well

# The letter in `?Status,P,5.038`.
_RESTARTS: Final = {
    "P": "powered off",
    "S": "software reset",
    "B": "brown out",
    "W": "watchdog",
    "U": "unknown",
}


def words(line: str) -> list[str]:
    """`?, O, %,mg` → O, %, MG: what is left when case and blanks don't count."""
    return re.sub(r"[?\s]", "", line).strip(",").upper().split(",")


def told(lines: Sequence[str], topic: str) -> list[str] | None:
    """What the line `?topic,…` says after its topic; None when there is no such line."""
    for line in lines:
        found = words(line)
        if line.startswith("?") and found[:1] == [topic.upper()]:
            return found[1:]
    return None


def refused(lines: Sequence[str]) -> bool:
    return any(line.upper() == "*ER" for line in lines)


def numbers(answer: str) -> list[float]:
    """The numbers of a bare list; empty when it is something else."""
    fields = [field.strip() for field in answer.split(",")]
    return [float(field) for field in fields] if all(map(_NUMBER.fullmatch, fields)) else []


def _finite(fields: Sequence[str]) -> list[float]:
    found = numbers(",".join(fields))
    return found if all(map(math.isfinite, found)) else []


def temperature(said: Sequence[str]) -> float | None:
    """°C in what `?T,19.5` says; None when it is something else."""
    found = _finite(said)
    return found[0] if len(found) == 1 else None


def salinity(said: Sequence[str]) -> float | None:
    """ppt in what `?S,37.5,ppt` says; as a conductivity (`?S,0,µS`) only zero is known to mean the same."""
    found = _finite(said[:1]) if len(said) == 2 else []
    return found[0] if found and (said[1] == "PPT" or found[0] == 0) else None


def status(said: Sequence[str]) -> dict[str, float | str]:
    """Why the circuit restarted last and its supply voltage, of `?Status,P,5.038`; nothing of what is unknown."""
    supply = _finite(said[1:]) if len(said) == 2 else []
    if not supply or said[0] not in _RESTARTS:
        return {}
    return {"last_restart": _RESTARTS[said[0]], "supply_v": supply[0]}


def slope(said: Sequence[str]) -> dict[str, float | str]:
    """How a pH probe compares with an ideal one, of `?Slope,99.7,100.3,-0.89`: % of the slope on the acid and the base
    side, and mV by which its zero is off (older firmware leaves those out). Above 95 % and within 5 mV it is good.
    """
    names = ("acid_slope_percent", "base_slope_percent", "zero_offset_mv")
    found = _finite(said)
    return dict(zip(names, found, strict=False)) if len(found) in (2, 3) else {}
