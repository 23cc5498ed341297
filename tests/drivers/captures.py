"""Recorded exchanges under `tests/captures/<model>/`: what goes over the wire, and what it means."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from agent.domain.farm import MODBUS as MODBUS_PROTOCOLS
from agent.domain.farm import Protocol, Unit
from agent.domain.reading import Missing
from drivers import profile
from drivers.interfaces import Profile
from drivers.probes.modbus_table import TableProfile

CAPTURES = Path(__file__).parent.parent / "captures"


@dataclass(frozen=True)
class Capture:
    """One turn with one probe: requests and responses as they go over the wire, in order.

    The first `orders` of the exchanges have the probe measure; of these, `repeated` come again in the next turn.
    """

    file: Path
    unit: Unit
    exchanges: tuple[tuple[bytes, bytes], ...]
    orders: int
    repeated: tuple[tuple[bytes, bytes], ...]
    expect: Mapping[str, float]
    missing: Mapping[str, str]

    @property
    def profile(self) -> Profile:
        return hurried(profile(self.file.parent.name))

    @property
    def asked(self) -> tuple[tuple[bytes, bytes], ...]:
        """The exchanges that fetch the values."""
        return self.exchanges[self.orders :]

    def __str__(self) -> str:
        return f"{self.file.parent.name}/{self.file.stem}"

    def check(self, values: Mapping[str, float | Missing]) -> None:
        """Every channel has the expected value, or none for the expected reason."""
        assert values.keys() == {channel.name for channel in self.profile.channels}
        assert values.keys() == {*self.expect, *self.missing}
        for name, expected in self.expect.items():
            assert values[name] == pytest.approx(expected, rel=1e-5), (self, name)
        for name, reason in self.missing.items():
            found = values[name]
            assert isinstance(found, Missing), (self, name)
            assert reason in found.because, (self, name)


# How a line of text ends that is sent, and one that comes.
_ENDS = {
    Protocol.SERIAL_TEXT: ("\r", "\r"),
    Protocol.SDI_12: ("", "\r\n"),
    Protocol.ONE_WIRE: ("", "\n"),
    Protocol.TEXT_STREAM: ("", "\r\n"),
}


def _exchange(content: dict[str, Any], protocols: frozenset[Protocol]) -> tuple[bytes, bytes]:
    request, response = content["request"], content["response"]
    if isinstance(response, str):
        return bytes.fromhex(request), bytes.fromhex(response)
    asked, answered = _ENDS[min(protocols, key=str)]
    return f"{request}{asked}".encode(), "".join(f"{line}{answered}" for line in response).encode()


def hurried(model: Profile) -> Profile:
    """The same model for a device that needs no time: fixed waits and settling are nothing that bytes show."""
    if not isinstance(model, TableProfile) or model.start is None:
        return model
    return replace(model, start=replace(model.start, wait_s=0.0), timing=replace(model.timing, stabilise_s=0.0))


def _load(file: Path) -> Capture:
    content = tomllib.loads(file.read_text())
    protocols = profile(file.parent.name).protocols
    return Capture(
        file,
        content.get("unit", 0),
        tuple(_exchange(exchange, protocols) for exchange in content["exchange"]),
        sum("when" in exchange for exchange in content["exchange"]),
        tuple(_exchange(one, protocols) for one in content["exchange"] if one.get("when") == "each turn"),
        content["expect"],
        content.get("missing", {}),
    )


ALL = tuple(_load(file) for file in sorted(CAPTURES.glob("*/*.toml")))
ASKED = tuple(c for c in ALL if not c.profile.protocols & {Protocol.ONE_WIRE, Protocol.TEXT_STREAM})
STREAMS = tuple(capture for capture in ALL if Protocol.TEXT_STREAM in capture.profile.protocols)
ONE_WIRE = tuple(capture for capture in ALL if Protocol.ONE_WIRE in capture.profile.protocols)
MODBUS = tuple(capture for capture in ALL if capture.profile.protocols == MODBUS_PROTOCOLS)

# One healthy turn of every model: the one in which most channels have a value.
HEALTHY = {capture.file.parent.name: capture for capture in sorted(ALL, key=lambda capture: len(capture.expect))}
