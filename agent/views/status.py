"""`aqua-gateway status` for people: tanks, sensors, alarms, sinks and where the files are, as terminal tables."""

from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agent.config import Gateway
from agent.control import NotRunning, ask
from agent.domain.errors import AquaError, StoreError
from agent.health import read_status
from agent.store.inspection.reader import Reader
from agent.views.health import probes_view, tanks_view
from agent.views.metrics import machine_lines, machine_troubles
from agent.views.tables import age, line, table
from cloud_sync.uplink.status import TROUBLED

_ALARMS_SHOWN = 8
_ANSWERS_WITHIN_S = 4.0
_CLOCK = (
    "no time server has set the clock since the machine started (see timedatectl): times are estimates, and readings "
    "wait a while for better ones before they leave"
)
_FLAG_STYLE = {1: "green", 2: "dim", 3: "yellow", 4: "red", 9: "bold red"}
_STATE = {
    None: ("is not running", "bold yellow"),
    "running": ("is running", "bold green"),
    "stopped": ("is stopped", "bold yellow"),
    "dead": ("ended without a word: see its log", "bold red"),
    "silent": ("is there but has said nothing lately: see its log", "bold red"),
    "unreadable": ("is of unknown state: its status file cannot be read", "bold red"),
}


def facts(gateway: Gateway, now: datetime) -> dict[str, Any]:
    """Everything the view shows at `now`, JSON-ready: `gateway`, `readings`, `alarms`, `changes`, `sinks`, `buffer`,
    `metrics` and `probes` (of the running gateway, or None).

    `unread` says why the ring buffer cannot be read, or is None; what the gateway says of itself is there all the same.
    """
    running = read_status(gateway.status_file, round(now.timestamp() * 1e6))
    seen: dict[str, Any] = {
        "gateway": running,
        "metrics": _metrics(gateway),
        "probes": _probes(gateway),
        "unread": None,
    }
    stored: dict[str, Any] = {"readings": [], "alarms": [], "changes": [], "sinks": []}
    stored["buffer"] = {"held": 0, "oldest": None}
    try:
        with closing(Reader(gateway.store.path)) as reader:
            stored["readings"] = reader.latest()
            stored["alarms"] = reader.active_alarms()
            stored["changes"] = reader.alarm_changes(5)
            stored["sinks"] = reader.deliveries()
            stored["buffer"] = reader.counts()
    except StoreError as error:
        seen["unread"] = str(error)
    return seen | stored


def _metrics(gateway: Gateway) -> Mapping[str, Any] | None:
    """None when it does not run. What keeps it from answering is told under `unanswered`."""
    try:
        (metrics,) = ask(gateway.control_socket, "metrics", within_s=_ANSWERS_WITHIN_S)
    except NotRunning:
        return None
    except AquaError as error:
        return {"unanswered": str(error)}
    return dict(metrics)


def _probes(gateway: Gateway) -> list[Any] | None:
    try:
        return list(ask(gateway.control_socket, "probe health", within_s=_ANSWERS_WITHIN_S))
    except AquaError:  # what keeps it from answering stands with the metrics
        return None


def view(gateway: Gateway, seen: Mapping[str, Any], now: datetime) -> RenderableType:
    """The whole view; `now` is what ages are counted from."""
    running = seen["gateway"] or {}
    words, style = _STATE[running.get("state")]
    title = Text.assemble((gateway.gateway_id, "bold"), f", {gateway.site}, " if gateway.site else " ", (words, style))
    parts = [
        title,
        *_troubles(running, seen["unread"], seen["metrics"]),
        _readings(seen["readings"], now),
        *tanks_view(running.get("tanks", ())),
        *probes_view(seen["probes"] or ()),
        _alarms(seen["alarms"], now),
        _changes(seen["changes"]),
    ]
    return Group(*parts, _sinks(seen["sinks"], running), _files(gateway, seen, running))


def _readings(rows: list[dict[str, Any]], now: datetime) -> Table:
    shown = table(
        "Sensors",
        "tank",
        "probe",
        "sensor",
        "value",
        "unit",
        "flag",
        "quality",
        "age",
        "why",
        right=("value", "quality", "age"),
    )
    tank = None
    for row in rows:
        value = "—" if row["value"] is None else f"{row['value']:.2f}"
        flag = Text(f"{row['flag']} {row['flag_meaning']}", _FLAG_STYLE[row["flag"]])
        shown_tank = row["tank"] if row["tank"] != tank else ""
        tank = row["tank"]
        why = line(row["because"], "dim")
        ago = age(row["time_utc"], now)
        shown.add_row(
            shown_tank, row["probe"], row["sensor"], value, row["unit"], flag, f"{row['quality']:.2f}", ago, why
        )
    return shown


def _alarms(rows: list[dict[str, Any]], now: datetime) -> RenderableType:
    if not rows:
        return Text("No alarm stands.\n", style="green")
    shown = table(f"Alarms that stand: {len(rows)}", "since", "priority", "what")
    for row in rows[:_ALARMS_SHOWN]:
        style = "bold white on red" if row["priority"] == "critical" else "bold yellow"
        shown.add_row(age(row["time_utc"], now), Text(row["priority"], style), Text(row["message"], style))
    return shown


def _changes(rows: list[dict[str, Any]]) -> Table:
    shown = table("Last changes", "time (UTC)", "change", "what")
    for row in rows:
        style = "red" if row["change"] == "raised" else "green"
        shown.add_row(row["time_utc"][11:19], Text(row["change"], style), Text(row["message"]))
    return shown


def _sinks(rows: list[dict[str, Any]], running: Mapping[str, Any]) -> Table:
    states = {sink["name"]: sink for sink in running.get("sinks", ())}
    shown = table(
        "Sinks",
        "sink",
        "state",
        "delivered",
        "backlog",
        "rejected",
        "lost",
        "why",
        right=("delivered", "backlog", "rejected", "lost"),
    )
    for row in rows:
        state = states.get(row["sink"], {"state": "—", "last_error": None})
        troubled = state["state"] in TROUBLED
        counts = [f"{row[name]:,}" for name in ("delivered", "backlog", "rejected", "lost")]
        shown.add_row(
            row["sink"],
            Text(state["state"], "red" if troubled else "green"),
            *counts,
            Text((troubled and state["last_error"]) or ""),
        )
    return shown


def _troubles(running: Mapping[str, Any], unread: str | None, metrics: Mapping[str, Any] | None = None) -> list[Text]:
    """What is wrong with the gateway itself, each in a line."""
    found = [
        unread and f"stored readings cannot be shown: {unread}",
        running.get("store", {}).get("trouble"),
        running.get("mqtt", {}).get("trouble"),
        *(f"Sparkplug B: {one['trouble']}" for one in running.get("sparkplug", []) if one["trouble"]),
        *(f"notify.{one['name']}: {one['trouble']}" for one in running.get("notify", []) if one["trouble"]),
        running.get("clock_trusted") is False and _CLOCK,
        *machine_troubles(metrics),
    ]
    for bus in running.get("buses", ()):
        found.append(bus["trouble"] and f"bus {bus['name']}: {bus['trouble']}")
        found += [f"{probe} is silent: {because}" for probe, because in bus["silent"].items()]
        found += [
            f"{probe}: {name.removesuffix('_trouble').replace('_', ' ')}: {told}"
            for probe, condition in bus["conditions"].items()
            for name, told in condition.items()
            if name.endswith("_trouble")
        ]
    return [Text(f"! {trouble}", style="bold red") for trouble in found if trouble]


def _files(gateway: Gateway, seen: Mapping[str, Any], running: Mapping[str, Any]) -> Text:
    mqtt, buffer = running.get("mqtt", {}), seen["buffer"]
    lines = [
        *machine_lines(seen["metrics"]),
        f"Ring buffer  {gateway.store.path}  ({buffer['held']:,} readings since {(buffer['oldest'] or '—')[:19]})",
        f"MQTT alarms  {mqtt.get('broker', '—')}, topics {mqtt.get('topic', '—')}/#",
    ]
    lines += [f"Sparkplug B  {node['node']}" for node in running.get("sparkplug", [])]
    lines += [f"Archive      {sink.settings.folder}" for sink in gateway.sinks if hasattr(sink.settings, "folder")]
    return Text("\n" + "\n".join(lines), style="dim")
