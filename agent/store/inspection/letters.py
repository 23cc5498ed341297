"""Dead letters as a person reads them: what was refused, by whom and why."""

import json
from collections.abc import Iterator
from typing import Any

from agent.store.dead_letters import TABLE
from agent.store.inspection.reader import Reader, utc_text

_PAGE = 500


def letters(reader: Reader, sink: str | None = None, from_us: int = 0, to_us: int = 2**62) -> Iterator[dict[str, Any]]:
    """Dead letters (of that sink, of that half-open range of UTC microseconds), oldest first: `number`, `sink`,
    `stream`, `seq`, `because`, `offered_again`, `time_utc` and `what` it was (None where that cannot be told any more),
    and `entry`, the refused row by its columns (as text, where it is none).

    The letters of an empty sink are rows that were taken out because their checksum was wrong. Letters without a time
    belong to every range.
    """
    glossary = _Glossary(reader)
    # A flipped bit can make bytes of a text.
    ask = """SELECT id AS number, sink, stream, seq, CAST(because AS TEXT) AS because, replay AS offered_again,
                    CAST(entry AS TEXT) AS entry FROM dead_letters
             WHERE id > :after AND (:sink IS NULL OR sink = :sink) ORDER BY id LIMIT :page"""
    after = -1
    while page := reader.ask(ask, after=after, sink=sink, page=_PAGE):
        for letter in page:
            entry = glossary.entry(letter["stream"], letter["entry"])
            utc_us = glossary.utc_us(entry)
            if utc_us is None or from_us <= utc_us < to_us:
                time = None if utc_us is None else reader.value(f"SELECT {utc_text('?1')}", utc_us)
                seen = {"time_utc": time, "what": glossary.what(entry), "entry": entry or letter["entry"]}
                yield letter | {"offered_again": bool(letter["offered_again"])} | seen
        after = page[-1]["number"]


def numbers_of(reader: Reader, sink: str) -> list[int]:
    """The numbers of that sink's dead letters."""
    return [number for (number,) in reader.rows("SELECT id FROM dead_letters WHERE sink = ? ORDER BY id", sink)]


class _Glossary:
    """What the columns of a refused row mean. The row may be damaged, so nothing is taken for granted."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._columns = {stream: reader.columns(table) for stream, table in TABLE.items()}
        sensors = reader.rows("SELECT id, tank, probe, channel, unit FROM sensors")
        self._sensors = {str(number): names for number, *names in sensors}
        self._offsets_us = dict(reader.rows("SELECT id, offset_us FROM segments"))

    def entry(self, stream: str, text: str) -> dict[str, Any]:
        """By columns, as the first schema wrote it; this one writes the bare row. Empty if it is neither."""
        try:
            entry = json.loads(text)
        except ValueError:
            return {}
        columns = self._columns.get(stream, [])
        if isinstance(entry, list) and len(entry) == len(columns):
            return dict(zip(columns, entry, strict=True))
        return entry if isinstance(entry, dict) else {}

    def utc_us(self, entry: dict[str, Any]) -> int | None:
        """When it was measured; None if that cannot be told."""
        at = next((entry[name] for name in ("utc_us", "minute_us", "from_us") if name in entry), None)
        segment, boot_ms = entry.get("segment"), entry.get("boot_ms")
        if isinstance(segment, int) and isinstance(boot_ms, int) and segment in self._offsets_us:
            at = self._offsets_us[segment] + 1000 * boot_ms
        return at if isinstance(at, int) and 0 <= at < 2**62 else None

    def what(self, entry: dict[str, Any]) -> str | None:
        """In a few words."""
        if "message" in entry:
            return str(entry["message"])
        if "sensor" not in entry:
            return f"{entry['count']} readings: {entry['because']}" if "count" in entry else None
        tank, probe, channel, unit = self._sensors.get(str(entry["sensor"]), ("?",) * 4)
        value = entry.get("mean") if "minute_us" in entry else entry.get("value")
        shown = f"{value:g} {unit}" if isinstance(value, int | float) else "no value" if value is None else repr(value)
        return f"{tank}/{probe}/{channel} {shown}"
