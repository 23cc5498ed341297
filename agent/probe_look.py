"""A close look at one probe: what is asked and answered on the wire, beside what becomes of it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agent.domain.clock import Clock
from agent.domain.errors import AquaError, BusError, ProbeError
from agent.domain.farm import MODBUS, Probe, Protocol, Unit
from agent.domain.reading import Missing
from agent.flight_recorder import FlightRecorder
from drivers.bus.dissector import Telegram, reply, request
from drivers.bus.tap import Frame
from drivers.interfaces import Bus, ProbeDriver, Profile, Space


async def look(
    probe: Probe, profile: Profile, driver: ProbeDriver, bus: Bus, recorder: FlightRecorder, clock: Clock
) -> dict[str, Any]:
    """Ask `probe` once; nobody else may use its `driver` meanwhile.

    JSON-ready: `exchanges` on the wire (each with `error`, or `registers` or `lines`), and `values` by channel, each
    with `value` in `unit`, or `because` there is none.
    """
    begin_s = clock.boot_s()
    measured: Mapping[str, float | Missing]
    try:
        await bus.open()
        measured = await driver.read()
    except (BusError, ProbeError) as error:
        measured = {channel.name: Missing(str(error)) for channel in profile.channels}
    frames = [frame for frame in recorder.frames() if frame.at_s >= begin_s]
    return {
        "probe": f"{probe.tank.name}/{probe.name}",
        "title": profile.title,
        "bus": probe.bus,
        "unit": probe.unit,
        "exchanges": exchanges(frames, recorder.protocol, probe.unit),
        "values": {
            channel.name: _told(measured[channel.name]) | {"unit": channel.quantity.unit}
            for channel in profile.channels
        },
    }


def exchanges(frames: Iterable[Frame], protocol: Protocol, unit: Unit) -> list[dict[str, Any]]:
    """The questions to `unit` among the frames, each with its answer."""
    found: list[dict[str, Any]] = []
    asked: Frame | None = None
    for frame in frames:
        if frame.sent:
            asked = frame
        elif asked is not None and (note := _exchange(asked, frame, protocol, unit)) is not None:
            found.append(note)
    return found


def _exchange(asked: Frame, answer: Frame, protocol: Protocol, unit: Unit) -> dict[str, Any] | None:
    """None when somebody else was asked."""
    outcome: dict[str, Any] = {} if answer.objection is None else {"error": answer.objection}
    if protocol not in MODBUS:
        return {"command": _text(asked.data), "lines": _text(answer.data).split("\n"), **outcome}
    question = request(asked.data, protocol)
    if question is None or question.unit != unit:
        return None
    telegram = reply(answer.data, asked.data, protocol)
    if telegram is not None and telegram.exception is not None:
        outcome["error"] = f"refused (exception {telegram.exception})"
    elif telegram is not None and question.function in (Space.HOLDING.value, Space.INPUT.value):
        outcome["registers"] = list(telegram.registers)
    return _asked(question) | outcome


def _asked(question: Telegram) -> dict[str, Any]:
    if question.function in (Space.HOLDING.value, Space.INPUT.value):
        space = Space(question.function).name.lower()
        return {"space": space, "address": question.address, "count": question.count}
    words = " ".join(f"{word:04X}" for word in question.registers)
    return {"command": f"write 0x{question.address:04X}: {words}", "lines": ["written"]}


def _text(data: bytes) -> str:
    return "\n".join(data.decode("latin-1").split("\r")).strip()


def _told(value: float | Missing) -> dict[str, Any]:
    return {"because": value.because} if isinstance(value, Missing) else {"value": value}


def named(probes: Sequence[Probe], name: str) -> Probe:
    """The probe `name`, or `tank/name`. Raises AquaError when that is none, or several."""
    found = [probe for probe in probes if name in (probe.name, f"{probe.tank.name}/{probe.name}")]
    if len(found) == 1:
        return found[0]
    choice = ", ".join(f"{probe.tank.name}/{probe.name}" for probe in found or probes)
    raise AquaError(f"{'several probes are' if found else 'no probe is'} named {name!r}: choose one of {choice}")


def shown_unit(unit: Unit) -> str:
    """A device's address as a part of a sentence; empty where the bus has none."""
    return f", unit {unit}" if unit else ""
