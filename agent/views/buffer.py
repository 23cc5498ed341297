"""`aqua-gateway buffer status` and `verify` for people: its files, what is in them, what waits for whom."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from agent.config import Gateway
from agent.store.inspection.inventory import inventory
from agent.store.inspection.occupancy import files, occupancy
from agent.store.inspection.reader import Reader
from agent.store.inspection.undelivered import undelivered
from agent.store.inspection.verification import Verified
from agent.store.tables import FEED
from agent.views.tables import age, table

_SHOWN = 10
_NUMBERS = ("settled", "waiting", "age", "rows", "damaged")


def facts(gateway: Gateway, reader: Reader) -> dict[str, Any]:
    """Everything the view shows, JSON-ready: `gateway`, `path`, `files`, `readings`, `sinks` (a row a sink and stream)
    and what `agent.store.inspection.inventory` tells.
    """
    most_bytes = gateway.store.size_mb * 1_000_000
    configured = {FEED, *(sink.name for sink in gateway.sinks)}
    return {
        "gateway": gateway.gateway_id,
        "path": str(gateway.store.path),
        "files": files(gateway.store.path, most_bytes),
        "readings": occupancy(reader, most_bytes),
        **inventory(reader),
        "sinks": [
            {**row, "configured": row["sink"] in configured, "metered": row["sink"] in gateway.store.metered}
            for row in undelivered(reader)
        ],
    }


def view(seen: Mapping[str, Any], now: datetime) -> RenderableType:
    """The whole view; `now` is what ages are counted from."""
    lines = Table.grid(padding=(0, 2, 0, 0))
    lines.add_column(no_wrap=True)
    for name, words in _lines(seen):
        lines.add_row(Text(name, "dim"), Text(words))
    title = Text.assemble("Ring buffer of ", (seen["gateway"], "bold"), f", {seen['path']}")
    return Group(title, lines, Text(), _sinks(seen["sinks"], now), *_notes(seen["sinks"]))


def findings(verified: Verified, salvaging: bool) -> RenderableType:
    """What reading every row has shown; `salvaging` says whether a damaged file may still give some back."""
    rows = table("Rows read", "table", "rows", "damaged", right=_NUMBERS)
    for name, count in verified.rows.items():
        damaged = verified.damaged.get(name, 0)
        rows.add_row(name, f"{count:,}", Text(f"{damaged:,}", "bold red" if damaged else ""))
    parts: list[RenderableType] = [rows]
    if verified.well:
        parts.append(Text("Every row is as it was written, and none is missing without a record.", "green"))
    parts += [Text(f"! {line}", "bold red") for line in _damages(verified)]
    if salvaging:
        parts.append(Text("A damaged file is being salvaged: what is missing may still come back.", "yellow"))
    return Group(*parts, Text())


def _damages(verified: Verified) -> Iterator[str]:
    for found in verified.first:
        yield f"{found.table} {found.key}: {found.because}"
    if (more := sum(verified.damaged.values()) - len(verified.first)) > 0:
        yield f"… and {more:,} more damaged rows"
    if verified.first:
        yield "damaged rows are never delivered but taken out and counted; if there are many, the card is dying"
    for name, because in verified.unreadable.items():
        yield f"{name} cannot be read {because}"
    for hole in verified.holes[:_SHOWN]:
        sinks = f", and no gap record tells {', '.join(hole.sinks)}" if hole.sinks else ""
        yield f"readings {hole.first:,} to {hole.last:,} are missing{sinks}"
    if len(verified.holes) > _SHOWN:
        yield f"… and {len(verified.holes) - _SHOWN:,} more holes"


def _lines(seen: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What it is and holds, in a few words each."""
    size, readings, rollups = seen["files"], seen["readings"], seen["rollups"]
    parts = {name: size[name] for name in ("database", "log", "ballast", "salvaged") if size[name]}
    listed = ", ".join(f"{name} {_mb(count)}" for name, count in parts.items())
    yield "files", f"{_mb(sum(parts.values()))} of {_mb(size['most'])} MB: {listed}"
    yield "readings", f"{readings['held']:,}{_span(readings)}"
    yield "room", _room(readings)
    yield "roll-ups", f"{rollups['held']:,}{_span(rollups)}"
    yield "alarms", f"{seen['alarm_changes']:,} changes"
    yield "gaps", ", ".join(_gap(gap) for gap in seen["gaps"]) or "none"
    yield "dead letters", ", ".join(_letters(letters) for letters in seen["dead_letters"]) or "none"
    yield "epochs", _epochs(seen["epochs"])
    bug = " (has the WAL-reset bug: nothing but the gateway may write)" if seen["sqlite"]["wal_reset_bug"] else ""
    yield "SQLite", seen["sqlite"]["version"] + bug


def _room(readings: Mapping[str, Any]) -> str:
    if readings["per_day"] is None:
        return f"{_mb(readings['room_bytes'])} MB; how long that will do cannot be told yet"
    rate = f"{readings['per_day']:,.0f} readings a day"
    left = f"{_days(readings['room_days'])} left until the oldest make room" if readings["room_bytes"] else "full"
    return f"{left}; holds {_days(readings['holds_days'])} at {rate}"


def _gap(gap: Mapping[str, Any]) -> str:
    unknown = f" and {gap['unknown']:,} of unknown size" if gap["unknown"] else ""
    return f"{gap['sink']} lost {gap['readings']:,} readings in {gap['gaps']:,} gaps{unknown}"


def _letters(letters: Mapping[str, Any]) -> str:
    again = f" ({letters['offered_again']:,} to be offered again)" if letters["offered_again"] else ""
    return f"{letters['letters']:,} {'of ' + letters['sink'] if letters['sink'] else 'with a wrong checksum'}{again}"


def _epochs(epochs: Sequence[Mapping[str, Any]]) -> str:
    if not epochs:
        return "none yet"
    newest = f"{epochs[-1]['epoch']} from reading {epochs[-1]['first_seq']:,} on"
    return newest if len(epochs) == 1 else f"{len(epochs)}, now {newest}"


def _sinks(rows: Sequence[Mapping[str, Any]], now: datetime) -> Table:
    """Narrow enough for a phone; numbers of alerts are too long for it, and tell nobody anything."""
    shown = table("Sinks", "sink", "stream", "settled", "waiting", "oldest (UTC)", "age", right=_NUMBERS)
    sink = None
    for row in rows:
        if row["stream"] != "readings" and not row["settled_up_to"] and not row["waiting"]:
            continue  # a stream that never had anything
        name = "" if row["sink"] == sink else row["sink"]
        sink, oldest = row["sink"], row["oldest"]
        times = (_minute(oldest)[5:], age(oldest, now)) if oldest else ("", "")
        settled = "" if row["stream"] == "alerts" else f"{row['settled_up_to']:,}"
        shown.add_row(Text(name), row["stream"], settled, f"{row['waiting']:,}", *times)
    return shown


def _notes(rows: Sequence[Mapping[str, Any]]) -> Iterator[Text]:
    """What the table of sinks has no room for."""
    for row in rows:
        if stretches := ", ".join(f"{after + 1:,} to {upto:,}" for after, upto in row["ahead"] if upto > after):
            yield Text(f"{row['sink']} has besides: {stretches}")
        if row["stream"] == "readings" and row["metered"]:
            yield Text(f"{row['sink']} is on a metered link: it gets roll-ups, and its readings wait")
        if row["stream"] == "readings" and not row["configured"]:
            yield Text(
                f"{row['sink']} is not configured at present; what it lacks is kept for it all the same", "yellow"
            )


def _span(held: Mapping[str, Any]) -> str:
    return f", {_minute(held['since'])} to {_minute(held['until'])} UTC" if held["since"] else ""


def _minute(time_utc: str) -> str:
    return time_utc[:16].replace("T", " ")


def _mb(count: int) -> str:
    return f"{count / 1e6:,.1f}" if count < 10_000_000 else f"{count / 1e6:,.0f}"


def _days(days: float) -> str:
    return f"{days:,.0f} days" if days >= 10 else f"{days:.1f} days"
