"""Temperature and salinity for a circuit to compute with, from other probes of the tank.

The circuit itself is asked what it computes with (`T,?`, `S,?`), at first contact and after every change, so that what
was used is known. It is told a new value when that is good, fresh and differs; otherwise it keeps what it has, which is
the last good value, or its own default after it lost power. Oxygen with yesterday's temperature is a few per cent off;
oxygen that nobody measures kills fish: so the reading goes on, and the trouble is logged and told.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agent.domain.quantity import Quantity
from agent.domain.reading import Missing
from drivers.interfaces import Source
from drivers.probes import ezo_answers as answers

log = logging.getLogger(__name__)

Ask = Callable[[str], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class _Way:
    """How a circuit is told of a quantity: its command, what the value looks like in it, how to read the answer to
    `?`, and the difference from which a change is worth a command.
    """

    command: str
    form: str
    told: Callable[[Sequence[str]], float | None]
    step: float


# PSU and ppt differ by half a per cent, which is nothing here.
_WAYS: Final = {
    Quantity.TEMPERATURE: _Way("T", "{:.2f}", answers.temperature, 0.1),
    Quantity.SALINITY: _Way("S", "{:.2f},ppt", answers.salinity, 0.1),
}


class Compensation:
    """What one circuit computes with. `sources` by quantity; without any, nothing is ever asked or sent."""

    def __init__(self, where: str, sources: Mapping[Quantity, Source]) -> None:
        self._where = where
        self._sources = sources
        self._held: dict[Quantity, float | None] = {}
        self._troubles: dict[Quantity, str] = {}
        self._logged: set[Quantity] = set()

    @property
    def condition(self) -> dict[str, float | str]:
        """What the circuit computes with, and why that is not the newest good value, if so."""
        found: dict[str, float | str] = {}
        for quantity in self._sources:
            name = f"compensated_{quantity.name.lower()}"
            if (held := self._held.get(quantity)) is not None:
                found[name] = held
            if quantity in self._troubles:
                found[f"{name}_trouble"] = self._troubles[quantity]
        return found

    async def introduce(self, ask: Ask) -> None:
        """Ask the circuit what it computes with."""
        for quantity in self._sources:
            self._held[quantity] = await self._told(quantity, ask)

    async def adjust(self, ask: Ask) -> None:
        """Tell the circuit what is new."""
        for quantity, source in self._sources.items():
            value = source()
            if isinstance(value, Missing):
                self._note(quantity, value.because)
                continue
            way, held = _WAYS[quantity], self._held.get(quantity)
            if held is not None and abs(held - value) < way.step:
                self._note(quantity, None)
                continue
            command = f"{way.command},{way.form.format(value)}"
            refused = answers.refused(await ask(command))
            self._held[quantity] = held = await self._told(quantity, ask)
            if refused:
                self._note(quantity, f"the circuit refuses {command}")
            elif held is not None and abs(held - value) >= way.step:
                self._note(quantity, f"the circuit was told {command} and computes with {held:g}")
            else:
                self._note(quantity, None)

    async def _told(self, quantity: Quantity, ask: Ask) -> float | None:
        way = _WAYS[quantity]
        said = answers.told(await ask(f"{way.command},?"), way.command)
        return None if said is None else way.told(said)

    def _note(self, quantity: Quantity, trouble: str | None) -> None:
        """Keep the trouble, and log what lasts for a second turn: at a start, one probe is read before the other."""
        if trouble is None:
            self._troubles.pop(quantity, None)
            if quantity in self._logged:
                self._logged.remove(quantity)
                log.warning("%s: is told the %s again", self._where, quantity.name.lower())
            return
        if quantity in self._troubles and quantity not in self._logged:
            self._logged.add(quantity)
            held = self._held.get(quantity)
            now = "an unknown value" if held is None else f"{held:g} {quantity.unit}"
            log.warning("%s: goes on with %s of %s: %s", self._where, quantity.name.lower(), now, trouble)
        self._troubles[quantity] = trouble
