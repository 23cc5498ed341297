"""Tables for terminals, and what stands in them."""

from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text


def table(title: str, *columns: str, right: tuple[str, ...] = ()) -> Table:
    """An empty table; the columns named in `right` are for numbers."""
    made = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0), expand=False)
    for column in columns:
        # In a narrow window the long texts give way, not the values.
        made.add_column(column, justify="right" if column in right else "left", no_wrap=column not in ("why", "what"))
    return made


def line(text: str | None, style: str = "") -> Text:
    """Somebody's words as they are (rich would take [brackets] for markup), cut where the line ends."""
    return Text(text or "", style, no_wrap=True, overflow="ellipsis")


def age(time_utc: str, now: datetime) -> str:
    """How long ago that was, in the unit a person would choose."""
    seconds = (now - datetime.fromisoformat(time_utc).astimezone(UTC)).total_seconds()
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"
