"""Metrics as the text that Prometheus reads (exposition format 0.0.4)."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Family(NamedTuple):
    """One metric. `kind` is "gauge" or "counter"; `samples` are labels and value, one for each series."""

    name: str
    kind: str
    help: str
    samples: Sequence[tuple[Mapping[str, str], float]]


def exposition(seen: Mapping[str, Any]) -> str:
    """What `agent.metrics.self_health` saw. What it could not know has no sample; true is 1."""
    return "".join(line + "\n" for family in _families(seen) for line in lines(family))


def lines(family: Family) -> Iterator[str]:
    """None without a sample."""
    if not family.samples:
        return
    yield f"# HELP {family.name} {_escaped(family.help)}"
    yield f"# TYPE {family.name} {family.kind}"
    for labels, value in family.samples:
        shown = ",".join(f'{name}="{_escaped(text, quoted=True)}"' for name, text in labels.items())
        yield f"{family.name}{{{shown}}} {_number(value)}" if shown else f"{family.name} {_number(value)}"


def _escaped(text: str, quoted: bool = False) -> str:
    text = text.replace("\\", r"\\").replace("\n", r"\n")
    return text.replace('"', r"\"") if quoted else text


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value) if isinstance(value, float) else str(int(value))


# Name (with its unit, as Prometheus wants it), kind, help, and where in `seen` the value is.
_ONE: Final = (
    ("aqua_uptime_seconds", "gauge", "Since the process started.", "uptime_s"),
    ("aqua_clock_trusted", "gauge", "Whether the wall clock can be believed.", "clock.trusted"),
    ("aqua_readings_per_second", "gauge", "Readings stored.", "readings_per_s"),
    ("aqua_alarms_standing", "gauge", "Alarms that stand.", "alarms.standing"),
    (
        "aqua_loop_lag_seconds",
        "gauge",
        "How late the event loop was, at worst of late.",
        "loop.lag_s",
    ),
    ("aqua_report_age_seconds", "gauge", "How old what was seen of disk and machine is.", "report_age_s"),
    ("aqua_cpu_percent", "gauge", "Of all processors, since the last look.", "machine.cpu_percent"),
    ("aqua_memory_used_bytes", "gauge", "Resident memory of the gateway.", "machine.memory_used_bytes"),
    ("aqua_memory_available_bytes", "gauge", "Of the machine.", "machine.memory_available_bytes"),
    ("aqua_temperature_celsius", "gauge", "Of the processor.", "machine.temperature_c"),
    ("aqua_disk_free_bytes", "gauge", "On the disk of the ring buffer.", "machine.disk_free_bytes"),
    ("aqua_under_voltage", "gauge", "Whether the power supply is too weak now.", "board.under_voltage"),
    ("aqua_frequency_capped", "gauge", "Whether the processor is slowed down to a cap now.", "board.frequency_capped"),
    ("aqua_throttled", "gauge", "Whether the processor is throttled now.", "board.throttled"),
    ("aqua_hot", "gauge", "Whether the soft temperature limit is reached now.", "board.hot"),
    ("aqua_open_files", "gauge", "File descriptors of the gateway.", "board.open_files"),
    ("aqua_written_bytes_total", "counter", "What the process had written to disks.", "board.written_bytes"),
    ("aqua_store_ok", "gauge", "Whether the ring buffer takes and keeps everything.", "store.ok"),
    ("aqua_store_used_bytes", "gauge", "All files of the ring buffer.", "store.used_bytes"),
    ("aqua_store_log_bytes", "gauge", "The ring buffer's write-ahead log.", "store.log_bytes"),
    ("aqua_store_limit_bytes", "gauge", "What they may take.", "store.limit_bytes"),
    ("aqua_store_readings", "gauge", "Readings held.", "store.readings"),
    ("aqua_store_days_left", "gauge", "How long a sink may stay away.", "store.days_left"),
    ("aqua_mqtt_connected", "gauge", "Whether the alarm feed has its broker.", "mqtt.connected"),
    ("aqua_mqtt_waiting", "gauge", "Alarm changes that wait for the broker.", "mqtt.waiting"),
    ("aqua_mqtt_published_total", "counter", "Alarm changes published.", "mqtt.published"),
    ("aqua_mqtt_dropped_total", "counter", "Alarm changes that were never published.", "mqtt.dropped"),
)
# The same for lists: the list, the label of its members' names, and what each has.
_EACH: Final = (
    ("priorities", "priority", (("aqua_alarms_by_priority", "gauge", "Alarms that stand.", "standing"),)),
    ("buses", "bus", (
        ("aqua_bus_up", "gauge", "Whether the port works.", "up"),
        ("aqua_bus_silent_devices", "gauge", "Devices that do not answer.", "silent"),
        ("aqua_bus_polls_total", "counter", "Devices asked.", "polls"),
        ("aqua_bus_failures_total", "counter", "Polls that a device did not answer rightly.", "failures"),
        ("aqua_bus_errors_total", "counter", "Polls for which the port could not be used.", "errors"),
        ("aqua_bus_busy_seconds_total", "counter", "Time that polls took.", "busy_s"),
        ("aqua_bus_late_seconds", "gauge", "How late a poll began, at worst of late.", "late_s"),
    )),
    ("sinks", "sink", (
        ("aqua_sink_ok", "gauge", "Whether the sink takes what it gets.", "ok"),
        ("aqua_sink_backlog", "gauge", "Entries that wait.", "backlog"),
        ("aqua_sink_backlog_age_seconds", "gauge", "How long the oldest of them has waited.", "oldest_age_s"),
        ("aqua_sink_delivered_total", "counter", "Records taken.", "delivered"),
        ("aqua_sink_rejected_total", "counter", "Records refused for good.", "rejected"),
    )),
)  # fmt: skip


def _families(seen: Mapping[str, Any]) -> Iterator[Family]:
    yield Family("aqua_info", "gauge", "Which gateway this is.", [({k: seen[k] for k in ("gateway", "version")}, 1)])
    for name, kind, told, path in _ONE:
        value: Any = seen
        for key in path.split("."):
            value = value[key]
        yield Family(name, kind, told, [] if value is None else [({}, value)])
    for key, label, metrics in _EACH:
        for name, kind, told, field in metrics:
            samples = [({label: part["name"]}, part[field]) for part in seen[key] if part[field] is not None]
            yield Family(name, kind, told, samples)
