"""Recorded water: a series that a real sonde wrote, held from row to row, with nothing invented in between."""

import csv
from bisect import bisect_right
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from simulators.water import Water, at_temperature, oxygen_saturation, salinity

COLUMNS = ("datetime", "temp", "cond", "ph", "do")
_NO_VALUE = {"", "NULL", "NaN", "nan"}
_NO_ANSWER = -9999.0  # what the station's logger writes when the sonde did not answer


class Recording:
    """A CSV file with columns datetime, temp (°C), cond (specific conductance, µS/cm at 25 °C), ph, do (mg/L).

    Other columns are left alone, so a full file of the observatory does as well. Raises ValueError naming file, line
    and column. Salinity, saturation and actual conductivity are derived where their parts are there. Time 0 is the
    first row; after the last row's own interval there is no water, unless `repeat` starts over.
    """

    def __init__(self, path: Path, repeat: bool = False) -> None:
        self.repeat = repeat
        self.starts_at, self._times_s, self._water = _read(path)
        interval_s = self._times_s[-1] - self._times_s[-2] if len(self._times_s) > 1 else 900.0
        self.length_s = self._times_s[-1] + interval_s

    def __len__(self) -> int:
        return len(self._times_s)

    def at(self, t_s: float) -> Water:
        """The row that holds at `t_s` simulated seconds after the first one."""
        if self.repeat:
            t_s %= self.length_s
        if t_s >= self.length_s:
            return Water()
        return self._water[max(bisect_right(self._times_s, t_s) - 1, 0)]


def _read(path: Path) -> tuple[datetime, list[float], list[Water]]:
    times: list[datetime] = []
    water: list[Water] = []
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
        if missing:
            raise ValueError(f"{path}: no column {', '.join(missing)}")
        for row in rows:
            where = f"{path}:{rows.line_num}"
            times.append(_time(row, where))
            water.append(_water(row, where))
            if len(times) > 1 and times[-1] <= times[-2]:
                raise ValueError(f"{where}: datetime {row['datetime']!r} does not come after the row before")
    if not times:
        raise ValueError(f"{path}: no rows")
    return times[0], [(time - times[0]).total_seconds() for time in times], water


def _time(row: Mapping[str, str], where: str) -> datetime:
    try:
        return datetime.fromisoformat(row["datetime"])
    except ValueError as error:
        raise ValueError(f"{where}: datetime {row['datetime']!r} is not a date and time") from error


def _number(row: Mapping[str, str], column: str, where: str) -> float | None:
    text = (row[column] or "").strip()
    if text in _NO_VALUE:
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise ValueError(f"{where}: {column} {text!r} is not a number") from error
    return None if value == _NO_ANSWER else value


def _water(row: Mapping[str, str], where: str) -> Water:
    celsius = _number(row, "temp", where)
    specific = _number(row, "cond", where)
    oxygen = _number(row, "do", where)
    psu = None if specific is None else salinity(specific / 1000, 25.0)
    actual = percent = None
    if celsius is not None and specific is not None:
        actual = at_temperature(specific / 1000, celsius)
    if celsius is not None and oxygen is not None:
        percent = 100 * oxygen / oxygen_saturation(celsius, psu or 0.0)
    return Water(celsius, oxygen, percent, _number(row, "ph", where), psu, actual)
