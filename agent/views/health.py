"""How tanks and probes do, as terminal tables."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from agent.views.tables import line, table

_PROBE_STYLE = {"good": "green", "unknown": "dim", "act": "bold yellow"}


def tanks_view(reports: Iterable[Mapping[str, Any]]) -> Iterator[Table]:
    """The scores of each tank; nothing before the first report."""
    shown = table(
        "Tanks", "tank", "health", "coverage", "maintenance", "why", right=("health", "coverage", "maintenance")
    )
    for report in reports:
        health, maintenance = report["health"], report["maintenance"]
        shown.add_row(
            report["tank"],
            _score(health["score"]),
            f"{health['coverage']:.0%}",
            _score(maintenance["score"]),
            maintenance["recommendation"],
        )
    if shown.row_count:
        yield shown


def probes_view(reports: Iterable[Mapping[str, Any]]) -> Iterator[Table]:
    """How each probe does, and what to do about it; nothing before the first report."""
    shown = table("Probes", "tank", "probe", "state", "why")
    tank = None
    for report in reports:
        unknown = dict.fromkeys(
            one["what"].replace("_", " ") for one in report["evidence"] if one["state"] == "unknown"
        )
        why = report["advice"] or (f"not known: {', '.join(unknown)}" if unknown else "")
        style = _PROBE_STYLE[report["state"]]
        shown_tank = report["tank"] if report["tank"] != tank else ""
        tank = report["tank"]
        told = Text(why) if report["advice"] else line(why, "dim")
        shown.add_row(shown_tank, report["probe"], Text(report["state"], style), told)
    if shown.row_count:
        yield shown


def _score(score: float | None) -> str:
    return "unknown" if score is None else f"{score:.0f}"
