"""Real water with a technician's labels: CSV files as the Logan River Observatory writes them.

Any folder of such files will do: `datetime`, and for each of `temp` (°C), `cond` (specific conductance, µS/cm), `ph`
and `do` (mg/L) that is there, the raw value and `<name>_qual`: NULL or empty where the technician found nothing.
"""

import csv
import lzma
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TextIO

from agent.domain.quantity import Quantity
from tests.bench.anomalies.series import Series

LOGAN_RIVER = Path(__file__).parent / "logan_river"

_COLUMNS = {
    "temp": (Quantity.TEMPERATURE, 1.0),
    "cond": (Quantity.CONDUCTIVITY, 0.001),
    "ph": (Quantity.PH, 1.0),
    "do": (Quantity.DISSOLVED_OXYGEN, 1.0),
}
_NOTHING = ("", "NULL", "NaN", "nan")


def series_of(folder: Path = LOGAN_RIVER) -> Iterator[Series]:
    """Every series of every `*.csv` or `*.csv.xz` in `folder`; ValueError where there is none."""
    files = sorted([*folder.glob("*.csv"), *folder.glob("*.csv.xz")])
    found = False
    for path in files:
        with _opened(path) as file:
            rows = list(csv.DictReader(file))
        for column in _COLUMNS:
            if rows and column in rows[0] and f"{column}_qual" in rows[0]:
                found = True
                yield _series(path, column, rows)
    if not found:
        raise ValueError(f"{folder}: no *.csv or *.csv.xz with a value and its <name>_qual (of {', '.join(_COLUMNS)})")


def _opened(path: Path) -> TextIO:
    if path.suffix == ".xz":
        return lzma.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _series(path: Path, column: str, rows: list[dict[str, str]]) -> Series:
    quantity, scale = _COLUMNS[column]
    known = [row for row in rows if row[column] not in _NOTHING]
    labels = [row[f"{column}_qual"] for row in known]
    return Series(
        f"{path.name.partition('.')[0]} {column}",
        quantity,
        [datetime.fromisoformat(row["datetime"] + "+00:00").timestamp() for row in known],
        [float(row[column]) * scale for row in known],
        ["" if label in _NOTHING else label for label in labels],
    )
