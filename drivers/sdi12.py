"""SDI-12 as text: what answers look like and what they say. Pure.

Source: SDI-12 specification, version 1.3: sections 4.4 (commands and answers) and 4.4.12 (CRC). An answer begins with
the sensor's address and ends with <CR><LF>; here it comes without those two.
"""

import re
from dataclasses import dataclass
from typing import Final

COMMANDS: Final = tuple(f"{kind}{n}" for kind in ("M", "MC", "C", "CC") for n in ("", *"123456789"))
"""The commands that start a measurement: C leaves the line to others meanwhile, a second C asks for a CRC."""

_VALUE: Final = re.compile(r"[+-](?:\d+\.?\d*|\.\d+)", re.ASCII)
_MOST_DIGITS: Final = 7


class NotSdi12(ValueError):
    """The text is no answer to the question; the message says why."""


@dataclass(frozen=True, slots=True)
class Started:
    """The answer to a measurement command: ready in `ready_s` seconds at the latest, with `values` values."""

    ready_s: int
    values: int


def crc(text: str) -> str:
    """The three characters that follow `text` (a character a byte) in an answer with CRC: CRC-16 (polynomial 0xA001,
    start 0), six bits a character.
    """
    remainder = 0
    for byte in text.encode("latin-1"):
        remainder ^= byte
        for _ in range(8):
            remainder = remainder >> 1 ^ (0xA001 if remainder & 1 else 0)
    return "".join(chr(0x40 | remainder >> shift & 0x3F) for shift in (12, 6, 0))


def concurrent(command: str) -> bool:
    """Whether the sensor measures while others may be asked, and gives no service request."""
    return command.startswith("C")


def with_crc(command: str) -> bool:
    return "C" in command[1:]


def started(answer: str, address: str, command: str) -> Started:
    """`atttn` for M, `atttnn` for C. Raises NotSdi12."""
    digits = 5 if concurrent(command) else 4
    body = _body(answer, address)
    if not re.fullmatch(rf"\d{{{digits}}}", body, re.ASCII):
        raise NotSdi12(f"{answer!r} does not say when how many values will be ready")
    return Started(int(body[:3]), int(body[3:]))


def values(answer: str, address: str, checked: bool) -> tuple[float, ...]:
    """The values in an answer to `aD0!`, maybe none; `checked`: it must end with its CRC. Raises NotSdi12."""
    if checked:
        told, answer = answer[-3:], answer[:-3]
        if not answer or told != crc(answer):
            raise NotSdi12(f"CRC error in {answer + told!r}")
    body = _body(answer, address)
    found = _VALUE.findall(body)
    if "".join(found) != body or any(sum(map(str.isdigit, value)) > _MOST_DIGITS for value in found):
        raise NotSdi12(f"{answer!r} is not a list of values")
    return tuple(float(value) for value in found)


def _body(answer: str, address: str) -> str:
    if not answer.startswith(address):
        raise NotSdi12(f"sensor {answer[:1] or 'nobody'} answered instead of {address}: {answer!r}")
    return answer[len(address) :]
