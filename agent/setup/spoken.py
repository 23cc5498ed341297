"""Which model can be on which line, and what a line is set to for it. Pure."""

from dataclasses import replace
from typing import Final

from agent.domain.errors import AquaError
from agent.domain.farm import Protocol, SerialLine, TcpEndpoint
from agent.scan.ports import settings_of
from agent.setup.draft import LineDraft, ProbeDraft
from agent.setup.given import GivenProbe
from drivers import profile
from drivers.interfaces import Profile
from drivers.probes.modbus_table import TableProfile

_PERIOD_S: Final = 5.0
_ON_SERIAL_PORTS: Final = {Protocol.MODBUS_RTU, Protocol.SERIAL_TEXT, Protocol.SDI_12, Protocol.TEXT_STREAM}


def empty_line(port: str) -> LineDraft:
    """Raises AquaError when that is no port."""
    settings = settings_of(port)
    assert isinstance(settings.port, SerialLine | TcpEndpoint)  # noqa: S101 - `settings_of` makes no other
    return LineDraft(settings.name, settings.protocol, settings.port, ())


def spoken(line: LineDraft, model: Profile) -> LineDraft:
    """The line, set to what its first probe speaks. Raises AquaError where the model cannot be on it."""
    if line.protocol in model.protocols:
        if line.probes or not isinstance(line.port, SerialLine) or not isinstance(model, TableProfile):
            return line
        return replace(line, port=replace(model.serial, device=line.port.device))
    able = _ON_SERIAL_PORTS & model.protocols if isinstance(line.port, SerialLine) else set()
    if line.probes or not able:
        speaks = ", ".join(sorted(protocol.value for protocol in model.protocols))
        raise AquaError(f"a {model.name} speaks {speaks}, and this line {line.protocol.value}: it needs another line")
    return replace(line, protocol=able.pop())


def no_model(name: str, line: LineDraft) -> str | None:
    """Why there is no such model, or not on that line."""
    try:
        spoken(line, profile(name))
    except AquaError as error:
        return str(error)
    return None


def given_probe_on(line: LineDraft, one: GivenProbe) -> LineDraft:
    """The line with one more probe. Raises AquaError."""
    model = profile(one.model)
    line = spoken(line, model)
    unit = (int(one.unit) if one.unit.isdecimal() else one.unit) if one.unit else factory_unit(model)
    return replace(line, probes=[*line.probes, ProbeDraft(one.name, one.tank, model.name, unit, period_s(model))])


def factory_unit(model: Profile) -> int | None:
    return model.unit if isinstance(model, TableProfile) else None


def period_s(model: Profile) -> float:
    """How often to ask it, to begin with."""
    return max(_PERIOD_S, model.min_period_s)
