"""The questions of `aqua-gateway init`, in their order, and the configuration that comes of the answers."""

import re
from collections.abc import Sequence
from pathlib import Path

from agent.config.example import BROKER_PASSWORD
from agent.config.limits import species
from agent.domain.errors import AquaError
from agent.domain.farm import TcpEndpoint
from agent.setup.draft import Draft, TankDraft
from agent.setup.given import Given
from agent.setup.lines import Lines
from agent.setup.names import name_of, no_name
from agent.setup.questions import Questions

_SYSTEM = Path("/etc/aquacontrol")
_LOCAL = ("127.0.0.1", "localhost", "::1")
_MQTT_TLS = 8883


def interview(given: Given, ask: Questions, lines: Lines, folder: Path, host: str) -> Draft:
    """`folder` is where the file will be, `host` the name of this machine. Raises AquaError where nobody can answer."""
    system = folder == _SYSTEM
    state_dir = "/var/lib/aquacontrol" if system else "state"
    gateway_id = _answer(given.gateway_id, ask, "Name of this gateway", name_of(host))
    site = given.site if given.site is not None else ask.text("Name of the farm", gateway_id)
    tanks = [TankDraft(*tank) for tank in _tanks(given, ask)]
    found = lines.asked(given, [tank.name for tank in tanks])
    broker = given.mqtt or ask.text("MQTT broker for the alarms", "127.0.0.1:1883", _no_broker)
    if because := _no_broker(broker):
        raise AquaError(f"{broker}: {because}")
    endpoint = _endpoint(broker)
    tls = endpoint.host not in _LOCAL and ask.yes("Encrypted (TLS)?", endpoint.port == _MQTT_TLS)
    archive = given.archive
    if archive is None:
        archive = ask.yes("Daily files of all readings here, too?", False)
    return Draft(
        gateway_id=gateway_id,
        site=site,
        state_dir=state_dir,
        runtime_dir="/run/aquacontrol" if system else None,
        broker=endpoint,
        tls=tls,
        password=endpoint.host in _LOCAL and (folder / BROKER_PASSWORD).exists(),
        tanks=tanks,
        lines=found,
        archive=f"{state_dir}/archive" if archive else None,
    )


def _answer(given: str | None, ask: Questions, question: str, default: str) -> str:
    if given is None:
        return ask.text(question, default, no_name)
    if because := no_name(given):
        raise AquaError(f"{question}: {given}: {because}")
    return given


def _tanks(given: Given, ask: Questions) -> Sequence[tuple[str, str]]:
    named = given.tanks
    if not named:
        names = ask.text("Tanks, by commas", "tank-1", _no_tanks)
        named = [(name, None) for name in _split(names)]
    elif because := _no_tanks(",".join(name for name, _ in named)):
        raise AquaError(f"--tank: {because}")
    known = species()
    chosen, last = [], 0
    for name, given_species in named:
        if given_species is None:
            ask.say(f"What lives in {name}? Its alarm limits follow from that, the strictest for oxygen first.")
            last = ask.one_of("Species", [title for _, title in known], last)
        chosen.append((name, given_species or known[last][0]))
    return chosen


def _split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",")]


def _no_tanks(names: str) -> str | None:
    found = _split(names)
    if len(set(found)) < len(found):
        return "each tank needs a name of its own"
    return next((f"{name!r}: {because}" for name in found if (because := no_name(name))), None)


def _no_broker(answer: str) -> str | None:
    try:
        _endpoint(answer)
    except ValueError:
        return "write HOST or HOST:PORT"
    return None


def _endpoint(text: str) -> TcpEndpoint:
    """Raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not colon:
        host, port = text, "1883"
    if not host or re.search(r"[\s/]", host) or not 1 <= int(port) <= 65535:
        raise ValueError(text)
    return TcpEndpoint(host.strip("[]"), int(port))
