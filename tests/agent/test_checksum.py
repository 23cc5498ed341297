"""Looking at many readings at once finds the damaged ones as looking at each does."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agent.store.checksum import checksum, is_whole, whole_readings

whole_numbers = st.integers(0, 2**40)
columns = st.tuples(
    whole_numbers, whole_numbers, whole_numbers, whole_numbers,
    st.none() | st.floats(allow_nan=False), st.integers(1, 9), st.floats(0, 1),
    st.none() | whole_numbers, st.none() | st.text(max_size=4),
)  # fmt: skip
anything = (
    st.none()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=3)
    | st.binary(max_size=3)
)


def written(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*row, checksum("readings", row))


@given(st.lists(columns.map(written), max_size=6), st.data())
def test_damaged_readings_are_left_out(rows: list[tuple[Any, ...]], data: st.DataObject) -> None:
    assert whole_readings(rows) == rows
    for number, row in enumerate(rows):
        if data.draw(st.booleans()):
            place = data.draw(st.integers(0, 9))
            rows[number] = (*row[:place], data.draw(anything), *row[place + 1 :])
    assert whole_readings(rows) == [row for row in rows if is_whole("readings", row)]
