"""Recorded water comes back as it was written, holes included."""

import csv
from pathlib import Path

import pytest

import simulators
from simulators.recording import Recording
from simulators.water import Water, oxygen_saturation

DAY = Path(simulators.__file__).parent / "recordings" / "logan_river_2019-06-28.csv"
HEAD = "datetime,temp,cond,ph,do\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "water.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_day_is_whole() -> None:
    day = Recording(DAY)
    assert len(day) == 96
    assert day.length_s == 86_400
    with DAY.open() as file:
        for place, row in enumerate(csv.DictReader(file)):
            water = day.at(900 * place)
            assert water.ph == float(row["ph"])
            assert water.oxygen_mg_per_l == float(row["do"])
            assert water.temperature_c == (None if row["temp"] == "-9999" else float(row["temp"]))


def test_the_technicians_labels_go_with_it() -> None:
    with DAY.with_name("logan_river_2019-06-28_labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 96
    assert [row["datetime"][11:] for row in rows if row["temp_qual"] != "NULL"] == ["12:45", "13:00", "13:15"]
    assert sum(row["ph_qual"] != "NULL" for row in rows) == 9


def test_a_row_holds_until_the_next() -> None:
    day = Recording(DAY)
    assert day.at(0) == day.at(899.9) != day.at(900)
    assert day.at(86_399.9) != Water()
    assert day.at(86_400) == Water()
    assert Recording(DAY, repeat=True).at(86_400) == day.at(0)


def test_salinity_and_saturation_follow_from_what_is_there() -> None:
    water = Recording(DAY).at(0)
    assert water.salinity_psu == pytest.approx(0.15, abs=0.02)
    assert water.conductivity_ms_per_cm == pytest.approx(0.3146 * (1 - 0.0191 * (25 - 11.36)))
    assert water.oxygen_percent == pytest.approx(100 * 9.1 / oxygen_saturation(11.36, water.salinity_psu or 0))


def test_holes_stay_holes(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + "2019-01-01 00:00,NULL,,8.1,-9999\n2019-01-01 00:15,10,300,NULL,9\n")
    first, second = (Recording(path).at(t) for t in (0, 900))
    assert first == Water(ph=8.1)
    assert second.ph is None
    assert second.oxygen_mg_per_l == 9


def test_the_observatorys_full_layout_is_read_too(tmp_path: Path) -> None:
    names = [
        f"{name}{more}" for name in ("temp", "cond", "ph", "do", "turb", "stage") for more in ("", "_cor", "_qual")
    ]
    values = "0.76,0.76,NULL,372.4,372.9,NULL,8.48,8.53,NULL,14.08,11.78,10,2.83,2.83,NULL,60.44,37.1,NULL"
    path = write(tmp_path, f"\ufeffdatetime,{','.join(names)}\n2019-01-01 00:00,{values}\n")
    water = Recording(path).at(0)
    assert (water.temperature_c, water.ph, water.oxygen_mg_per_l) == (0.76, 8.48, 14.08)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("datetime,temp,ph,do\n", "no column cond"),
        (HEAD, "no rows"),
        (HEAD + "yesterday,1,2,3,4\n", r"csv:2: datetime 'yesterday' is not a date"),
        (HEAD + "2019-01-01 00:00,1,2,3,4\n2019-01-01 00:15,warm,2,3,4\n", r"csv:3: temp 'warm' is not a number"),
        (HEAD + "2019-01-02,1,2,3,4\n2019-01-01,1,2,3,4\n", "does not come after the row before"),
    ],
)
def test_a_broken_file_is_named_with_line_and_column(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Recording(write(tmp_path, text))
