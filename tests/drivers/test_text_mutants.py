"""Every slip in a profile that is no Modbus profile is noticed by its captures or by the profile's own example."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.domain.errors import ProbeError
from drivers import ProfileError, profile
from drivers.probes import profile_file
from drivers.probes.sdi12_sensor import Sdi12Profile
from drivers.probes.text_instrument import TextProfile
from tests.drivers import captures
from tests.drivers.captures import CAPTURES, Capture

LIBRARY = Path(profile_file.__file__).parent
UNITS = {"°C": "K", "µS/cm": "mS/cm"}


SLIPS: list[tuple[str, Callable[[str], list[str]]]] = [
    (r"^values? = (\d)", lambda digit: [str(n) for n in (int(digit) - 1, int(digit) + 1) if n]),
    (r'^unit = "(.*)"', lambda unit: [UNITS[unit]]),
    (r"^bad = \[(.*)\]", lambda bad: [bad.replace(number, "-1") for number in bad.split(", ")]),
    (r'^checksum = "(nmea)"', lambda checksum: ["none"]),
    (r"^line = .*MTW,(\(.*\)),C", lambda group: [f".{group}", f"{group},"]),
    (r"^ignore = '(.*)'", lambda pattern: ["x"]),
]


def mutants(text: str) -> Iterator[tuple[str, str]]:
    """What was changed, and the file with that one change."""
    for pattern, slips in SLIPS:
        for found in re.finditer(pattern, text, re.MULTILINE):
            for slip in slips(found[1]):
                yield f"{found[1]} → {slip}", text[: found.start(1)] + slip + text[found.end(1) :]


class Replay:
    """A bus for a mutant: the numbers or the lines of a capture."""

    name = "replay"
    quiet_s = 0.0

    def __init__(self, capture: Capture) -> None:
        self._answers = [line for _, response in capture.exchanges for line in response.decode().split("\r\n") if line]

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def measure(self, address: str, command: str, longest_s: float) -> tuple[float, ...]:
        data = "".join(line[1:] for line in self._answers if re.match(r".[+-]", line))
        return tuple(float(number) for number in re.findall(r"[+-][0-9.]+", data))

    async def newest_line(self, wanted: object, max_age_s: float) -> str:
        return next(line for line in reversed(self._answers) if wanted(line))  # type: ignore[operator]


MODELS = [path.name for path in CAPTURES.iterdir() if isinstance(profile(path.name), Sdi12Profile | TextProfile)]
CASES = [
    pytest.param(name, changed, id=f"{name}: {what}")
    for name in sorted(MODELS)
    for what, changed in mutants((LIBRARY / f"{name}.toml").read_text())
]


async def fits(name: str, folder: Path | None = None) -> bool:
    """Whether the profile gives what all captures of that model expect."""
    for capture in captures.ALL:
        if capture.file.parent.name == name:
            try:
                capture.check(await profile(name, folder).driver(Replay(capture), capture.unit).read())
            except (AssertionError, ProbeError, ProfileError, StopIteration, RuntimeError):
                return False
    return True


@pytest.mark.parametrize("name", sorted(MODELS))
async def test_the_library_fits(name: str) -> None:
    assert await fits(name)


@pytest.mark.parametrize(("name", "changed"), CASES)
async def test_every_slip_is_noticed(tmp_path: Path, name: str, changed: str) -> None:
    (tmp_path / f"{name}.toml").write_text(changed)
    assert not await fits(name, tmp_path)
