"""What the running gateway answers to `aqua-gateway probe calibrated`."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from agent.alarm_messages import iso
from agent.control import Answer
from agent.domain.clock import Clock
from agent.domain.errors import AquaError
from agent.domain.farm import Probe
from agent.probe_log import Calibrated
from agent.probe_look import named

_KEYS = ("probe", "by", "cap", "at", "note")


def probe_answers(
    probes: Sequence[Probe], write: Callable[[Calibrated], Awaitable[None]], clock: Clock
) -> Mapping[str, Answer]:
    """`probe calibrated` logs it, and yields the entry; `at` is now if not given, and never to come."""

    async def calibrated(details: Mapping[str, Any]) -> AsyncIterator[Any]:
        entry = _entry(probes, details, clock.now().utc_us)
        await write(entry)
        yield asdict(entry)

    return {"probe calibrated": calibrated}


def _entry(probes: Sequence[Probe], details: Mapping[str, Any], now_us: int) -> Calibrated:
    if unknown := details.keys() - set(_KEYS):
        raise AquaError(f"a calibration has no {', '.join(sorted(unknown))}: use {', '.join(_KEYS)}")
    probe = named(probes, str(details.get("probe")))
    at = details.get("at") or iso(now_us)
    name, cap = f"{probe.tank.name}/{probe.name}", details.get("cap", False)
    try:
        entry = Calibrated(_with_offset(at), name, cap, str(details.get("by") or ""), details.get("note"))
    except (TypeError, ValueError) as error:
        raise AquaError(f"that calibration cannot be noted: {error}") from None
    if entry.utc_us > now_us:
        raise AquaError(f"{entry.time} is still to come: the gateway has {iso(now_us)}")
    return entry


def _with_offset(at: object) -> str:
    """A time of day without an offset is the machine's own."""
    return datetime.fromisoformat(str(at)).astimezone().isoformat(timespec="seconds")
