"""Which lines there are, and what hangs on them: found by a scan, or named by hand."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from agent.domain.errors import AquaError
from agent.domain.farm import BusSettings, Protocol, SerialLine
from agent.scan.ports import settings_of
from agent.scan.search import Found, Search
from agent.setup.draft import LineDraft
from agent.setup.given import Given
from agent.setup.probes import Probes
from agent.setup.questions import Questions
from agent.setup.spoken import empty_line, given_probe_on
from agent.views.scan import headline

_ONE_WIRE = "1-wire"


@dataclass(frozen=True, slots=True)
class Hardware:
    """What this machine has, and `look`, which searches a line for probes; None to name them by hand. It raises
    AquaError when the port cannot be used.
    """

    ports: Sequence[str]
    thermometers: Sequence[str]
    look: Callable[[BusSettings], Search] | None


class Lines:
    """Asks about line after line."""

    def __init__(self, ask: Questions, hardware: Hardware) -> None:
        self._ask = ask
        self._hardware = hardware

    def asked(self, given: Given, tanks: Sequence[str]) -> list[LineDraft]:
        """At least one, each with a probe. Raises AquaError."""
        if given.probes:
            return [_all_given(given)]
        probes = Probes(self._ask, tanks)
        lines: list[LineDraft] = []
        for port in self._wanted(given.ports):
            line = self._one_wire(probes) if port == _ONE_WIRE else self._line(port, probes, needed=not lines)
            if line.probes:
                lines.append(line)
        if not lines:
            raise AquaError("a gateway without a probe has nothing to do: name one with --probe")
        return lines

    def _wanted(self, given: Sequence[str]) -> Iterator[str]:
        if given:
            yield from given
            return
        left = [*self._hardware.ports, *([_ONE_WIRE] if self._hardware.thermometers else [])]
        known: set[str] = set()
        while True:
            self._ask.say("Lines found: " + (", ".join(left) or "none. Is the adapter plugged in?"))
            self._ask.say("One over the network is tcp://HOST:502 (Modbus TCP) or rtu-over-tcp://HOST:PORT.")
            port = self._ask.text("Line", left[0] if left else "/dev/ttyUSB0", lambda port: _no_port(port, known))
            known.add(port)
            left = [other for other in left if other != port]
            yield port
            if not self._ask.yes("Another line?", bool(left)):
                return

    def _line(self, port: str, probes: Probes, needed: bool) -> LineDraft:
        line = empty_line(port)
        if self._hardware.look:
            self._ask.say("A search only reads, takes a minute or so, and is ended early by Ctrl-C.")
        if self._hardware.look and self._ask.yes("Look for probes on it?", True):
            try:
                line = self._found(line, self._hardware.look(settings_of(port)).found, probes)
            except AquaError as error:
                if not self._ask.present:
                    raise
                self._ask.say(f"! {error}")
        while self._ask.yes("Add a probe by hand?", needed and not line.probes and self._ask.present):
            line = probes.by_hand(line)
        return line

    def _found(self, line: LineDraft, found: Sequence[Found], probes: Probes) -> LineDraft:
        """All devices at one setting, that of most of them: a line has no more."""
        self._ask.say(f"{len(found)} found" if found else "Nothing answers. Is it powered, are A and B swapped?")
        settings = [one.line for one in found if one.models]
        setting = max(settings, key=settings.count, default=None)
        taken, notes = [], []
        for one in found:
            self._ask.say(headline(one).plain)
            if one.shows:
                self._ask.say(f"  {one.shows}")
            if not one.models:
                notes.append(f"unit {one.unit} answers, but as no model of the library: the README says how to add one")
            elif one.line != setting:
                notes.append(
                    f"unit {one.unit} answers at {one.line}: set it to {setting} before it can share this line"
                )
                self._ask.say(f"  left out: it needs {setting} to share this line")
            elif probe := probes.taken_up(one):
                taken.append(probe)
        port = line.port
        if isinstance(port, SerialLine) and setting is not None:
            port = replace(port, baud=setting.baud, parity=setting.parity, stop_bits=setting.stop_bits)
        protocol = Protocol.SERIAL_TEXT if any(one.unit is None for one in found) else line.protocol
        return replace(line, protocol=protocol, port=port, probes=taken, notes=notes)

    def _one_wire(self, probes: Probes) -> LineDraft:
        found = self._hardware.thermometers
        taken = [probes.thermometer(name) for name in found if self._ask.yes(f"Take the thermometer {name}?", True)]
        return LineDraft("thermometers", Protocol.ONE_WIRE, None, taken)


def _all_given(given: Given) -> LineDraft:
    if len(given.ports) != 1:
        raise AquaError("--probe wants exactly one --port, on which all of them are")
    line = empty_line(given.ports[0])
    for one in given.probes:
        line = given_probe_on(line, one)
    return line


def _no_port(answer: str, known: set[str]) -> str | None:
    if answer in known:
        return "that line is there already"
    try:
        if answer != _ONE_WIRE:
            settings_of(answer)
    except AquaError as error:
        return str(error)
    return None
