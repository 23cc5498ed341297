"""Recorded exchanges under `tests/captures/<model>/`: what goes over the wire, and what it means."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.domain import farm
from agent.domain.reading import Missing
from drivers import profile
from drivers.interfaces import Profile

CAPTURES = Path(__file__).parent.parent / "captures"


@dataclass(frozen=True)
class Capture:
    """One turn with one probe: requests and responses as they go over the wire, in order."""

    file: Path
    unit: int
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


def _bytes(content: object) -> bytes:
    if isinstance(content, list):
        return b"".join(line.encode() + b"\r" for line in content)
    return bytes.fromhex(str(content))


def _load(file: Path) -> Capture:
    content = tomllib.loads(file.read_text())
    text = isinstance(content["exchange"][0]["response"], list)
    return Capture(
        file,
        content.get("unit", 0),
        tuple(
            (f"{exchange['request']}\r".encode() if text else _bytes(exchange["request"]), _bytes(exchange["response"]))
            for exchange in content["exchange"]
        ),
        content["expect"],
        content.get("missing", {}),
    )


ALL = tuple(_load(file) for file in sorted(CAPTURES.glob("*/*.toml")))
MODBUS = tuple(capture for capture in ALL if capture.profile.protocols == farm.MODBUS)

# One healthy turn of every model: the one in which most channels have a value.
HEALTHY = {capture.file.parent.name: capture for capture in sorted(ALL, key=lambda capture: len(capture.expect))}
