"""Recorded exchanges under `tests/captures/<model>/`: what goes over the wire, and what it means."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.domain.farm import MODBUS as MODBUS_PROTOCOLS
from agent.domain.farm import Protocol, Unit
from agent.domain.reading import Missing
from drivers import profile
from drivers.interfaces import Profile

CAPTURES = Path(__file__).parent.parent / "captures"


@dataclass(frozen=True)
class Capture:
    """One turn with one probe: requests and responses as they go over the wire, in order."""

    file: Path
    unit: Unit
    exchanges: tuple[tuple[bytes, bytes], ...]
    expect: Mapping[str, float]
    missing: Mapping[str, str]

    @property
    def profile(self) -> Profile:
        return profile(self.file.parent.name)

    def __str__(self) -> str:
        return f"{self.file.parent.name}/{self.file.stem}"

    def check(self, values: Mapping[str, float | Missing]) -> None:
        """Every channel has the expected value, or none for the expected reason."""
        assert values.keys() == {channel.name for channel in self.profile.channels}
        assert values.keys() == {*self.expect, *self.missing}
        for name, expected in self.expect.items():
            assert values[name] == pytest.approx(expected, rel=1e-5)
        for name, reason in self.missing.items():
            found = values[name]
            assert isinstance(found, Missing)
            assert reason in found.because


# How a line of text ends that is sent, and one that comes.
_ENDS = {Protocol.SERIAL_TEXT: ("\r", "\r"), Protocol.SDI_12: ("", "\r\n"), Protocol.ONE_WIRE: ("", "\n")}


def _exchange(content: dict[str, Any], protocols: frozenset[Protocol]) -> tuple[bytes, bytes]:
    request, response = content["request"], content["response"]
    if isinstance(response, str):
        return bytes.fromhex(request), bytes.fromhex(response)
    asked, answered = _ENDS[min(protocols, key=str)]
    return f"{request}{asked}".encode(), "".join(f"{line}{answered}" for line in response).encode()


def _load(file: Path) -> Capture:
    content = tomllib.loads(file.read_text())
    protocols = profile(file.parent.name).protocols
    return Capture(
        file,
        content.get("unit", 0),
        tuple(_exchange(exchange, protocols) for exchange in content["exchange"]),
        content["expect"],
        content.get("missing", {}),
    )


ALL = tuple(_load(file) for file in sorted(CAPTURES.glob("*/*.toml")))
ASKED = tuple(capture for capture in ALL if not capture.profile.protocols & {Protocol.ONE_WIRE})
ONE_WIRE = tuple(capture for capture in ALL if Protocol.ONE_WIRE in capture.profile.protocols)
MODBUS = tuple(capture for capture in ALL if capture.profile.protocols == MODBUS_PROTOCOLS)

# One healthy turn of every model: the one in which most channels have a value.
HEALTHY = {capture.file.parent.name: capture for capture in sorted(ALL, key=lambda capture: len(capture.expect))}
