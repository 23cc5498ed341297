"""A reading that does not fit comes with the anomaly that it is."""

import json

from agent.checks import CHECKS as ON_THE_GATEWAY
from agent.checks.defaults import limits_for
from agent.checks.sensor_checks import SensorChecks
from agent.domain.reading import Flag, StoredReading
from cloud_sync.contract.anomalies import CHECKS, anomalies, record_of
from cloud_sync.contract.encoding import Encoder
from cloud_sync.contract.record import Record
from cloud_sync.contract.records import record
from cloud_sync.contract.schemas import schema
from tests.agent.farm import at
from tests.agent.farm import reading as measured
from tests.cloud_sync.foreign import read
from tests.cloud_sync.things import EPOCH, GATEWAY, NOON_US, OXYGEN, reading


def told(tests: str, because: str | None = None, value: float | None = 7.25) -> Record:
    stored = reading(7, value=value)
    return record(stored._replace(checked=stored.checked._replace(tests=tests, because=because)), GATEWAY)


def test_the_places_are_those_of_the_gateways_checks() -> None:
    assert {check: place for check, (place, _) in CHECKS.items()} == {
        check: list(ON_THE_GATEWAY).index(check) for check in ("z_score", "anomaly", "pair_drift")
    }


def test_each_check_that_suspects_a_reading_is_an_anomaly_of_its_own() -> None:
    because = "spike: far off; anomaly: 9.1 is 2 above the readings before it; pair_drift: parts from do-2"
    found = list(anomalies([told("14113131111113", because).body]))
    assert [(one["detector"], one["reason"]) for one in found] == [
        ("gateway:z_score", "further than the gateway's threshold of standard deviations from the mean of 24 hours"),
        ("gateway:anomaly", "9.1 is 2 above the readings before it"),
        ("gateway:pair_drift", "parts from do-2"),
    ]
    assert found[0]["metadata"] == {"gateway": GATEWAY, "unit": "mg/L", "epoch": EPOCH, "sequence": 7}


def test_what_is_good_missing_or_of_the_first_gateways_is_none() -> None:
    good = [told("1" * 14), told("2" * 16), told("9" * 14, value=None), told(""), told("1111")]
    assert list(anomalies(one.body for one in good)) == []


def test_any_reader_of_avro_reads_it() -> None:
    (body,) = anomalies([told("1111113").body])
    one = record_of(body, NOON_US)
    assert one.key == str(OXYGEN.sensor_id)
    assert read(json.dumps(schema("sensor-anomalies")), Encoder("sensor-anomalies", 1)(one)) == {
        **body, "time": "2026-11-23T12:00:00.000000Z",
    }  # fmt: skip


def test_a_jump_that_the_checks_find_is_told_with_their_words() -> None:
    checks = SensorChecks({"anomaly": limits_for(OXYGEN.quantity)["anomaly"]})
    values = [8.0 + n % 3 / 100 for n in range(200)]
    bodies = []
    for n, value in enumerate([*values, 3.0, *values[:5]]):
        checked = checks.check(measured(5.0 * n, value, OXYGEN)._replace(at=at(5.0 * n)))
        bodies.append(record(StoredReading(n, checked, EPOCH), GATEWAY).body)
    (one,) = anomalies(bodies)
    assert one["value"] == 3.0
    assert one["metadata"]["sequence"] == 200
    assert one["reason"].startswith("3 is 5.01 below the readings before it")
    assert bodies[200]["metadata"]["flag"] == Flag.SUSPECT
