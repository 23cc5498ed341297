"""The verdict of the soak finds what it is there to find."""

import pytest

from tests.soak.counting_sondes import value
from tests.soak.verdict import Row, judge

CHANNELS = {"a": 0, "b": 1}
STORED: list[Row] = [
    (seq, "ab"[seq % 2], f"2026-11-23T12:00:00.{seq:06}Z", value(1 + seq // 2, seq % 2), 1) for seq in range(2, 12)
]


def test_what_arrived_as_it_was_stored_is_clean() -> None:
    verdict = judge(STORED, STORED, CHANNELS)
    assert verdict.clean
    assert (verdict.stored, verdict.unread, verdict.stretches) == (10, 2, 2)


def test_a_missing_value_is_a_row_like_any_other() -> None:
    rows = [*STORED, (12, "a", "2026-11-23T12:00:01.000000Z", None, 9)]
    assert judge(rows, rows, CHANNELS).clean
    assert judge(rows, STORED, CHANNELS).lost == 1


@pytest.mark.parametrize(
    ("table", "found"),
    [
        (STORED[1:], "lost"),
        (STORED[:-1], "lost"),
        ([*STORED[:5], *STORED[6:]], "lost"),
        ([STORED[0], *STORED], "doubled"),
        ([*STORED, STORED[-1]], "doubled"),
        ([*STORED[:3], (*STORED[3][:3], STORED[3][3], 4), *STORED[4:]], "altered"),
        ([*STORED[:3], (5, "b", STORED[3][2], 1.5, 1), *STORED[4:]], "altered"),
        ([(1, "a", "2026-11-23T12:00:00.000001Z", 16.0, 1), *STORED], "foreign"),
        ([*STORED, (99, "a", "2026-11-23T12:00:00.000001Z", 16.0, 1)], "foreign"),
    ],
)
def test_what_went_wrong_on_the_way_is_counted(table: list[Row], found: str) -> None:
    verdict = judge(STORED, table, CHANNELS)
    assert not verdict.clean
    wrong = {name: getattr(verdict, name) for name in ("lost", "doubled", "altered", "foreign")}
    assert wrong == dict.fromkeys(wrong, 0) | {found: 1}


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        (value(3, 1), "unserved"),  # the neighbour's register
        (3.25, "unserved"),
        (-16.0, "unserved"),
        (value(2, 0), "repeated"),
    ],
)
def test_a_value_that_no_sonde_served_is_found(wrong: float, found: str) -> None:
    rows = [*STORED[:4], (6, "a", STORED[4][2], wrong, 1), *STORED[5:]]
    verdict = judge(rows, rows, CHANNELS)
    assert getattr(verdict, found) == 1
    assert not verdict.clean
