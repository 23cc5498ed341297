"""A configuration to begin with, and its text: gateway.toml with comments. Pure."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.config.example import BROKER_PASSWORD
from agent.domain.farm import Protocol, SerialLine, TcpEndpoint

_HEAD = """\
# Configuration of this AquaControl gateway, begun by `aqua-gateway init`. Lines that begin with # are explanations.
# After each change:  aqua-gateway check-config,  then  sudo systemctl reload aqua-gateway
# Every key is in the README, "Configure"."""

_ALARMS = """\
[alarms]
on_delay_s = 5                       # a limit must be crossed for this long before the alarm is raised
off_delay_s = 10
no_valid_data_s = 60                 # so long may a sensor be without a valid value"""

_LIMITS = """\
# [tanks.limits.DissolvedOxygen]     # your own limits over the species': mg/L
# low = 6.0
# critical_low = 4.0"""

_NO_SINK = """\
# Nothing is delivered to anybody: readings stay in the ring buffer. [sinks.<name>] tables say where to deliver them:
# [sinks.cloud]
# kind = "http"
# url = "https://ingest.example.com/readings"
# api_key = { file = "ingest.secret" }"""


@dataclass(frozen=True, slots=True)
class TankDraft:
    name: str
    species: str


@dataclass(frozen=True, slots=True)
class ProbeDraft:
    """`unit` is None where its line has no addresses; `remark` is what a person should know of it, or empty."""

    name: str
    tank: str
    model: str
    unit: int | str | None
    period_s: float
    remark: str = ""


@dataclass(frozen=True, slots=True)
class LineDraft:
    """A bus and what is on it. `port` is None for the kernel's 1-Wire line; `notes` are of devices left out."""

    name: str
    protocol: Protocol
    port: SerialLine | TcpEndpoint | None
    probes: Sequence[ProbeDraft]
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """`password`: the broker's is in a file beside. `archive`: the folder for daily files, None for no sink at all."""

    gateway_id: str
    site: str
    state_dir: str
    runtime_dir: str | None
    broker: TcpEndpoint
    tls: bool
    password: bool
    tanks: Sequence[TankDraft]
    lines: Sequence[LineDraft]
    archive: str | None


def text(draft: Draft) -> str:
    """The whole file. Only the loader knows whether it is right."""
    return "\n".join([_HEAD, *_body(draft)]) + "\n"


def _body(draft: Draft) -> Iterator[str]:
    yield "\n[gateway]"
    yield f"{_set('id', draft.gateway_id):<36} # in every topic and sensor's identity: renaming makes new series"
    yield _set("site", draft.site)
    yield f"{_set('state_dir', draft.state_dir):<36} # the ring buffer"
    if draft.runtime_dir:
        yield f"{_set('runtime_dir', draft.runtime_dir):<36} # the status file, in memory"
    yield "\n[mqtt]                               # the alarm feed"
    yield _set("host", draft.broker.host)
    yield _set("port", draft.broker.port)
    if draft.tls:
        yield "tls = true                           # by an authority that this machine trusts; else ca_file"
    lead = "" if draft.password else "# "
    yield f'{lead}username = "gateway"'
    yield f'{lead}password = {{ file = "{BROKER_PASSWORD}" }} # a file beside this one; secrets never stand in here'
    yield f"\n{_ALARMS}"
    for tank in draft.tanks:
        yield "\n[[tanks]]"
        yield _set("name", tank.name)
        yield f"{_set('species', tank.species):<36} # its limits: check them with your veterinarian"
        yield _LIMITS
    for line in draft.lines:
        yield ""
        yield from bus_toml(line.name, line.protocol, line.port)
        for probe in line.probes:
            yield from _probe(line.name, probe)
        yield from (f"# {note}" for note in line.notes)
    if draft.archive is None:
        yield f"\n{_NO_SINK}"
        return
    yield "\n[sinks.archive]                      # daily compressed files on this machine"
    yield _set("kind", "archive")
    yield _set("folder", draft.archive)


def bus_toml(name: str, protocol: Protocol, port: SerialLine | TcpEndpoint | None) -> Iterator[str]:
    """The table of a bus."""
    yield f"[buses.{name}]"
    yield _set("protocol", protocol.value)
    if isinstance(port, TcpEndpoint):
        yield _set("host", port.host)
        yield _set("port", port.port)
    if isinstance(port, SerialLine):
        yield _set("device", port.device)
        yield _set("baud", port.baud)
        yield _set("parity", port.parity)
        yield _set("stop_bits", port.stop_bits)


def _probe(bus: str, probe: ProbeDraft) -> Iterator[str]:
    yield "\n[[probes]]"
    yield _set("name", probe.name)
    yield _set("tank", probe.tank)
    yield _set("bus", bus)
    yield _set("profile", probe.model) + (f"  # {probe.remark}" if probe.remark else "")
    if probe.unit is not None:
        yield _set("unit", probe.unit)
    yield f"period_s = {probe.period_s:g}"


def _set(key: str, value: str | int) -> str:
    return f"{key} = {json.dumps(value, ensure_ascii=False)}"  # JSON's strings are TOML's, too
