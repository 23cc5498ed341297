"""What counts as found, as false, and as one event."""

import pytest

from agent.domain.quantity import Quantity
from tests.bench.anomalies.scoring import Score
from tests.bench.anomalies.series import Series


def score(labels: str, flags: str, every_s: float = 900.0) -> Score:
    """`x` is a labelled, or a flagged, reading."""
    at_s = [n * every_s for n in range(len(labels))]
    marks = ["spike" if label == "x" else "" for label in labels]
    result = Score()
    result.add(Series("a", Quantity.PH, at_s, [7.0] * len(labels), marks), [flag == "x" for flag in flags])
    return result


@pytest.mark.parametrize(
    ("labels", "flags", "events", "found", "false"),
    [
        ("....xx......", "....x.......", 1, 1, 0),
        ("....xx......", ".....x......", 1, 1, 0),
        ("....xx......", ".........x..", 1, 1, 0),
        ("....xx......", "..........x.", 1, 0, 1),
        ("....xx......", "...x........", 1, 0, 1),
        ("....xx......", "...xx.......", 1, 1, 0),
        ("....x..x....", "....x.......", 1, 1, 0),
        ("x...x.......", "x...x.......", 2, 2, 0),
        ("............", "x..x...x....", 0, 0, 2),
        ("............", "............", 0, 0, 0),
    ],
)
def test_events_and_false_alarms(labels: str, flags: str, events: int, found: int, false: int) -> None:
    result = score(labels, flags)
    assert (result.events.total(), result.found.total(), result.false_alarms) == (events, found, false)


def test_what_is_printed_follows_from_the_counts() -> None:
    result = score("xx......xx..", "xx....xx....")
    result.add(Series("b", Quantity.PH, [0.0, 86_400.0], [7.0, 7.0], ["", ""]), [False, False])
    assert result.by_event == (0.5, 0.5, 0.5)
    assert result.by_reading == (0.5, 0.5, 0.5)
    assert result.false_alarms_a_day == pytest.approx(1 / (1 + 11 / 96))
    assert result.delay_min == (0.0, 0.0)
    late = score("xxxx", "...x")
    assert late.delay_min == (45.0, 45.0)
