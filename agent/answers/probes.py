"""What the running gateway answers to `aqua-gateway probe calibrated`, and to `status` of its probes."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Protocol

from agent.alarm_messages import iso
from agent.control import Answer
from agent.domain.clock import Clock, Instant
from agent.domain.errors import AquaError
from agent.domain.farm import Probe
from agent.probe_health.log import Calibrated
from agent.probe_look import named

_KEYS = ("probe", "by", "cap", "at", "note")


class Reports(Protocol):
    """See `agent.probe_health.report.ProbeReports`."""

    newest: Mapping[str, Mapping[str, Any]]

    async def log_calibration(self, entry: Calibrated) -> None: ...


def probe_answers(probes: Sequence[Probe], reports: Reports, clock: Clock) -> Mapping[str, Answer]:
    """`probe calibrated` logs it, and yields the entry; `at` is now if not given, and never to come; while
    nobody knows what time it is it has to be given. `probe health` yields the newest report on each.
    """

    async def calibrated(details: Mapping[str, Any]) -> AsyncIterator[Any]:
        entry = _entry(probes, details, clock.now())
        await reports.log_calibration(entry)
        yield asdict(entry)

    async def health(details: Mapping[str, Any]) -> AsyncIterator[Any]:
        for report in reports.newest.values():
            yield report

    return {"probe calibrated": calibrated, "probe health": health}


def _entry(probes: Sequence[Probe], details: Mapping[str, Any], now: Instant) -> Calibrated:
    if unknown := details.keys() - set(_KEYS):
        raise AquaError(f"a calibration has no {', '.join(sorted(unknown))}: use {', '.join(_KEYS)}")
    probe = named(probes, str(details.get("probe")))
    if not (now.trusted or details.get("at")):
        raise AquaError("the gateway does not know what time it is: say when, with --at")
    at = details.get("at") or iso(now.utc_us)
    name, cap = f"{probe.tank.name}/{probe.name}", details.get("cap", False)
    try:
        entry = Calibrated(_with_offset(at), name, cap, str(details.get("by") or ""), details.get("note"))
    except (TypeError, ValueError) as error:
        raise AquaError(f"that calibration cannot be noted: {error}") from None
    if now.trusted and entry.utc_us > now.utc_us:
        raise AquaError(f"{entry.time} is still to come: the gateway has {iso(now.utc_us)}")
    return entry


def _with_offset(at: object) -> str:
    """A time of day without an offset is the machine's own."""
    return datetime.fromisoformat(str(at)).astimezone().isoformat(timespec="seconds")
