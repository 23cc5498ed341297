"""How the gateway does, in a few lines for people."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

_POWER: Final = {
    "under_voltage": "the power supply is too weak (under-voltage): use the Pi's own, and a short, thick cable",
    "throttled": "the processor is slowed down: look at the power supply, and whether the box is too hot",
    "hot": "the processor is at its temperature limit: is the box in the sun, or its vents blocked?",
}


def machine_troubles(metrics: Mapping[str, Any] | None) -> list[str]:
    """What is wrong with the machine, each in a line."""
    if metrics is None:
        return []
    if "unanswered" in metrics:
        return [metrics["unanswered"]]
    return [told for flag, told in _POWER.items() if metrics["board"][flag]]


def machine_lines(metrics: Mapping[str, Any] | None) -> list[str]:
    """One line of the machine, and one a bus; nothing if there are no metrics."""
    if metrics is None or "unanswered" in metrics:
        return []
    return [f"Machine      {', '.join(_machine(metrics))}", *map(_bus, metrics["buses"])]


def _machine(metrics: Mapping[str, Any]) -> Iterator[str]:
    """What is known only."""
    machine, written = metrics["machine"], metrics["board"]["written_bytes_per_day"]
    known = (
        (machine["cpu_percent"], "processor {:.0f} %", 1),
        (machine["temperature_c"], "{:.0f} °C", 1),
        (machine["memory_used_bytes"], "{:.0f} MB of memory", 1e6),
        (machine["disk_free_bytes"], "{:.1f} GB free on the disk", 1e9),
        (written, "{:.0f} MB written a day", 1e6),
        (metrics["loop"]["lag_s"], "loop {:.0f} ms late at worst", 1e-3),
    )
    return (words.format(value / unit) for value, words, unit in known if value is not None)


def _bus(bus: Mapping[str, Any]) -> str:
    failed = bus["failures"] + bus["errors"]
    share = 100 * failed / bus["polls"] if bus["polls"] else 0.0
    late = "" if bus["late_s"] is None else f", {bus['late_s']:.1f} s late at worst"
    busy = 0.0 if bus["busy_percent"] is None else bus["busy_percent"]
    return f"Bus {bus['name']:<8} in use {busy:.0f} % of the time, {bus['polls']:,} polls, {share:.1f} % failed{late}"
