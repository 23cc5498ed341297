"""What the command line of `aqua-gateway init` says already; only the rest is asked."""

from collections.abc import Sequence
from dataclasses import dataclass

from agent.domain.errors import AquaError


@dataclass(frozen=True, slots=True)
class GivenProbe:
    tank: str
    name: str
    model: str
    unit: str


@dataclass(frozen=True, slots=True)
class Given:
    """None and nothing: not said."""

    gateway_id: str | None = None
    site: str | None = None
    tanks: Sequence[tuple[str, str | None]] = ()
    ports: Sequence[str] = ()
    probes: Sequence[GivenProbe] = ()
    mqtt: str | None = None
    archive: bool | None = None


def given_tank(text: str) -> tuple[str, str | None]:
    """`NAME` or `NAME=SPECIES`."""
    name, _, species = text.partition("=")
    return name, species or None


def given_probe(text: str) -> GivenProbe:
    """`TANK/NAME=MODEL` or `TANK/NAME=MODEL@UNIT`. Raises AquaError."""
    where, _, what = text.partition("=")
    tank, _, name = where.partition("/")
    model, _, unit = what.partition("@")
    if not (tank and name and model):
        raise AquaError(f"{text} is no probe: write TANK/NAME=MODEL@UNIT, such as tank-1/do-1=yosemitech-y504a@1")
    return GivenProbe(tank, name, model, unit)
