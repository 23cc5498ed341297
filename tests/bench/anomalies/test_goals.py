"""What the README says of the anomaly, held in a short form: better than the z-score, with few false alarms."""

from itertools import islice

from tests.bench.anomalies import ponds, river
from tests.bench.anomalies.__main__ import DETECTORS, half, score


def test_on_real_water() -> None:
    anomaly = score(DETECTORS["anomaly"], river.series_of())
    assert anomaly.by_event[2] >= 0.50
    assert anomaly.false_alarms_a_day <= 0.06


def test_it_beats_the_z_score() -> None:
    winter = [half(series, 0) for series in islice(river.series_of(), 2)]
    anomaly, z_score = (score(DETECTORS[name], winter) for name in ("anomaly", "z-score"))
    assert anomaly.by_event[2] > 1.5 * z_score.by_event[2]
    assert anomaly.false_alarms < z_score.false_alarms / 2


def test_on_simulated_water() -> None:
    one_pond = islice(ponds.series_of(seed=7, days=14), len(ponds.CHANNELS))
    anomaly = score(DETECTORS["anomaly"], one_pond)
    assert anomaly.by_event[2] >= 0.90
    assert anomaly.false_alarms_a_day <= 0.05
