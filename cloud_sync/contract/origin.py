"""Where something comes from, and how good its time is."""

from typing import Any

from agent.domain.clock import Instant


def origin(gateway: str, at: Instant) -> dict[str, Any]:
    """Where something comes from: gateway and boot, and how good its time is."""
    return {"gateway": gateway, "boot_id": at.boot_id, "boot_s": at.boot_s, "clock": how_good(at)}


def how_good(at: Instant) -> str:
    """How good the time is: measured, set right by a later synchronisation of the same boot, or a best estimate."""
    if not at.trusted:
        return "bounded"
    return "corrected" if at.corrected else "synchronised"
