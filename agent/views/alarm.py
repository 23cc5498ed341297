"""Alarms as terminal tables: where they stand, and what happened to them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from rich.console import RenderableType
from rich.text import Text

from agent.views.tables import age, table

_STYLE: Final = {"critical": "bold white on red", "warning": "bold yellow", "advisory": "cyan"}
_ORDER: Final = list(_STYLE)


def standing_view(alarms: Sequence[Mapping[str, Any]], now: datetime) -> RenderableType:
    """`alarms` as `agent.alarm_messages.state` tells of them; the most urgent first."""
    if not alarms:
        return Text("Every alarm is normal.", style="green")
    shown = table(f"Alarms: {len(alarms)}", "priority", "state", "for", "no.", "alarm", "what", right=("no.",))
    for alarm in sorted(alarms, key=lambda alarm: (not alarm["active"], _ORDER.index(alarm["priority"]))):
        state = alarm["state"].replace("_", " ")
        until = f" until {alarm['until'][11:16]}Z" if alarm.get("until") else ""
        shown.add_row(
            Text(alarm["priority"], _STYLE[alarm["priority"]] if alarm["active"] else ""), state + until,
            age(alarm["time"], now) if "time" in alarm else "", str(alarm["occurrence"]), alarm["alarm"],
            Text("\n").join([Text(alarm.get("message", "")), *_advice(alarm)]),
        )  # fmt: skip
    return shown


def _advice(alarm: Mapping[str, Any]) -> list[Text]:
    """What to do, and why, while there is reason for the alarm."""
    if not alarm["active"] or "response" not in alarm:
        return []
    return [Text(alarm["response"], "bold"), Text(f"{alarm['cause']} {alarm['consequence']}", "dim")]


def log_view(changes: Sequence[Mapping[str, Any]]) -> RenderableType:
    """`changes` are rows of the view `alarm`."""
    if not changes:
        return Text("Nothing ever happened to an alarm.", style="green")
    shown = table("Alarm log", "time (UTC)", "event", "now", "who", "what")
    for row in changes:
        style = _STYLE[row["priority"]] if row["change"] == "raised" else ""
        shown.add_row(
            row["time_utc"][:19], Text(row["change"], style), row["state"].replace("_", " "), row["done_by"] or "",
            Text(row["message"]),
        )  # fmt: skip
    return shown


def metrics_view(metrics: Mapping[str, Any]) -> RenderableType:
    """`metrics` as `agent.alarm_metrics` tells them."""
    title = f"{metrics['rate_per_10_min']} in the last 10 minutes (most: {metrics['most_per_10_min']}), "
    title += f"{metrics['standing']} standing, {len(metrics['stale'])} of them for more than a day"
    shown = table(title, "raised in 24 h", "share", "alarm", right=("raised in 24 h", "share"))
    for one in metrics["top_ten"]:
        shown.add_row(str(one["raised"]), f"{one['share']:.0%}", one["alarm"])
    return shown
