"""What the node says of a farm, as Eclipse Tahu's decoder reads it."""

from dataclasses import replace
from itertools import islice, pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.alarms import Watch
from agent.domain.alarm import Alarm, AlarmKind, Priority
from agent.domain.equipment import DISK
from agent.domain.farm import Sensor, Tank
from agent.domain.quantity import Quantity
from agent.domain.reading import Flag
from agent.feed import MqttSettings, SparkplugSettings
from agent.feed.sparkplug.edge_node import EdgeNode
from tests.agent.farm import NOON_US, OXYGEN, WARMTH, alarm, change, checked
from tests.clock import FakeClock
from tests.services.tahu import Tahu
from tests.sparkplug import Said

NOON_MS = NOON_US // 1000
POND = Tank("pond", UUID(int=2))
ACID = Sensor(UUID(int=13), POND, "ph-1", "ph", Quantity.PH, None)
DISK_LOW = Alarm(DISK, AlarmKind.DISK_LOW, Priority.WARNING, None, 0.0, 0.0, 0.0)
LOW = alarm()


def node(*watched: Alarm, clock: FakeClock | None = None, **mqtt: Any) -> EdgeNode:
    settings = MqttSettings(**{"readings_every_s": 1, **mqtt})
    made = EdgeNode(SparkplugSettings("farm", "gw"), settings, [OXYGEN, WARMTH, ACID], clock or FakeClock(NOON_US))
    made.resume([Watch(one) for one in watched], [])
    return made


def births(edge_node: EdgeNode, tahu: Tahu, bd_seq: int = 7) -> list[Said]:
    return [Said(*message, tahu) for message in edge_node.births(bd_seq)]


def data(edge_node: EdgeNode, tahu: Tahu) -> list[Said]:
    return [Said(*message, tahu) for message in edge_node.data()]


def test_a_birth_names_every_metric_of_the_farm(tahu: Tahu) -> None:
    of_node, of_tank, of_pond = births(node(LOW, DISK_LOW), tahu)
    assert [one.topic for one in (of_node, of_tank, of_pond)] == ["NBIRTH/gw", "DBIRTH/gw/tank-1", "DBIRTH/gw/pond"]
    assert [one.seq for one in (of_node, of_tank, of_pond)] == [0, 1, 2]
    assert of_node.value("bdSeq") == 7
    assert of_node.value("Node Control/Rebirth") is False
    assert of_node.value("Properties/Clock Trusted") is True
    assert of_node.value("Alarms/machine/disk/disk_low/active") is False
    assert of_node.metrics["bdSeq"]["datatype"] == 4
    assert of_node.metrics["Node Control/Rebirth"]["datatype"] == 11
    kinds = {"active": 11, "state": 12, "message": 12}
    alarms = {f"Alarms/do-1/oxygen/low/{what}": datatype for what, datatype in kinds.items()}
    told = {name: metric["datatype"] for name, metric in of_tank.metrics.items()}
    assert told == {"do-1/oxygen": 10, "do-1/temperature": 10, **alarms}
    assert of_tank.property("Alarms/do-1/oxygen/low/active", "priority") == "critical"
    assert all(metric["timestamp"] == NOON_MS for one in (of_node, of_tank) for metric in one.metrics.values())


def test_a_death_says_whose_it_is_and_no_more(tahu: Tahu) -> None:
    death = Said(*node().death(200), tahu)
    assert death.topic == "NDEATH/gw"
    assert death.payload == {
        "timestamp": NOON_MS,
        "metrics": [{"name": "bdSeq", "timestamp": NOON_MS, "longValue": 200}],
    }


def test_what_was_not_read_yet_is_null_and_stale(tahu: Tahu) -> None:
    edge_node = node()
    edge_node.tell_readings([checked(1, 7.25)])
    _, of_tank, of_pond = births(edge_node, tahu)
    assert (of_tank.value("do-1/oxygen"), of_tank.property("do-1/oxygen", "Quality")) == (7.25, 192)
    assert of_tank.property("do-1/oxygen", "engUnit") == "mg/L"
    assert of_tank.metrics["do-1/oxygen"]["timestamp"] == NOON_MS + 1000
    assert (of_pond.value("ph-1/ph"), of_pond.property("ph-1/ph", "Quality")) == (None, 500)


@pytest.mark.parametrize(
    ("value", "flag", "quality", "told", "code"),
    [
        (7.0, Flag.GOOD, 1.0, 7.0, 192),
        (7.0, Flag.SUSPECT, 0.75, 7.0, 192),  # unusual water, a probe that can be believed
        (7.0, Flag.SUSPECT, 0.5, 7.0, 0),  # a probe that may be wrong
        (7.0, Flag.FAIL, 0.1, None, 0),
        (None, Flag.MISSING, 0.0, None, 0),
    ],
)
def test_a_reading_that_failed_is_no_number(
    tahu: Tahu, value: float | None, flag: Flag, quality: float, told: float | None, code: int
) -> None:
    edge_node = node()
    births(edge_node, tahu)
    edge_node.tell_readings([checked(1, value, flag, because="a reason")._replace(quality=quality)])
    (said,) = data(edge_node, tahu)
    assert said.topic == "DDATA/gw/tank-1"
    assert (said.value("do-1/oxygen"), said.property("do-1/oxygen", "Quality")) == (told, code)
    assert said.property("do-1/oxygen", "because") == ("no reply in 0.5 s" if value is None else "a reason")
    assert "datatype" not in said.metrics["do-1/oxygen"]


def test_only_what_left_its_deadband_is_told(tahu: Tahu) -> None:
    edge_node = node(readings_deadband={"DissolvedOxygen": 0.5})
    edge_node.tell_readings([checked(0, 7.0), checked(0, 20.0, sensor=WARMTH)])
    births(edge_node, tahu)
    told = []
    for boot_s, oxygen, warmth in [(2, 7.4, 20.0), (4, 7.6, 20.0), (4.5, 9.0, 21.0), (9000, 7.6, 21.0)]:
        edge_node.tell_readings([checked(boot_s, oxygen), checked(boot_s, warmth, sensor=WARMTH)])
        told.append([sorted(said.metrics) for said in data(edge_node, tahu)])
    assert told == [[], [["do-1/oxygen"]], [["do-1/temperature"]], []]


def test_an_alarm_is_told_with_each_of_its_changes_in_order(tahu: Tahu) -> None:
    edge_node = node(LOW, DISK_LOW)
    births(edge_node, tahu)
    raised, cleared = change(1, which=LOW), change(2, active=False, which=LOW)
    cleared = replace(cleared, at=replace(cleared.at, utc_us=cleared.at.utc_us + 5_000_000))
    edge_node.tell_readings([checked(1, 5.8)])
    edge_node.tell([raised, cleared, change(3, which=DISK_LOW)])
    of_tank, of_node = data(edge_node, tahu)
    assert (of_tank.topic, of_node.topic) == ("DDATA/gw/tank-1", "NDATA/gw")
    told = [(one["name"].split("/")[-1], one.get("booleanValue")) for one in of_tank.payload["metrics"]]
    assert told == [
        ("active", True), ("state", None), ("message", None), ("oxygen", None),
        ("active", False), ("state", None), ("message", None),
    ]  # fmt: skip
    assert of_tank.value("Alarms/do-1/oxygen/low/state") == "returned_unacknowledged"
    assert "5.80 mg/L is below 6" in of_tank.value("Alarms/do-1/oxygen/low/message")
    assert of_node.value("Alarms/machine/disk/disk_low/active") is True


def test_an_alarm_that_no_birth_knows_is_not_told(tahu: Tahu) -> None:
    edge_node = node(DISK_LOW)
    births(edge_node, tahu)
    edge_node.tell([change(1, which=LOW)])
    assert data(edge_node, tahu) == []


def test_a_clock_that_is_set_is_told(tahu: Tahu) -> None:
    clock = FakeClock(NOON_US, trusted=False)
    edge_node = node(clock=clock)
    assert births(edge_node, tahu)[0].value("Properties/Clock Trusted") is False
    clock.synchronise()
    (said,) = data(edge_node, tahu)
    assert (said.topic, said.value("Properties/Clock Trusted")) == ("NDATA/gw", True)
    assert data(edge_node, tahu) == []


def test_a_clock_before_its_time_shows_1970(tahu: Tahu) -> None:
    assert Said(*node(clock=FakeClock(-5_000_000, trusted=False)).death(0), tahu).payload["timestamp"] == 0


def test_what_was_told_while_nobody_listened_stands_in_the_births(tahu: Tahu) -> None:
    edge_node = node(LOW)
    births(edge_node, tahu)
    edge_node.tell_readings([checked(1, 5.8)])
    edge_node.tell([change(1, which=LOW)])
    _, of_tank, _ = births(edge_node, tahu, 8)
    assert of_tank.value("do-1/oxygen") == 5.8
    assert "is below 6" in of_tank.value("Alarms/do-1/oxygen/low/message")
    assert data(edge_node, tahu) == []


def test_numbers_wrap_after_255(tahu: Tahu) -> None:
    edge_node = node()
    said = births(edge_node, tahu)
    for n in range(1, 300):
        edge_node.tell_readings([checked(2 * n, float(n))])
        said += data(edge_node, tahu)
    assert [one.seq for one in said] == [n % 256 for n in range(302)]


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["read", "change", "births", "data", "cut"]), max_size=30))
def test_whatever_happens_births_begin_at_0_and_no_number_is_left_out(tahu: Tahu, steps: list[str]) -> None:
    edge_node, now = node(LOW), 0
    messages = list(edge_node.births(0))
    for step in steps:
        now += 2
        match step:
            case "read":
                edge_node.tell_readings([checked(now, float(now)), checked(now, None, sensor=ACID)])
            case "change":
                edge_node.tell([change(now, which=LOW)])
            case "births":
                messages += edge_node.births(0)
            case "data":
                messages += edge_node.data()
            case "cut":  # a host asks for births while there is more to say
                messages += islice(edge_node.data(), 1)
                messages += edge_node.births(0)
    said = [Said(*message, tahu) for message in messages]
    for earlier, later in pairwise(said):
        assert later.seq == (0 if later.topic == "NBIRTH/gw" else (earlier.seq or 0) + 1)
    known = {name for one in said if "BIRTH" in one.topic for name in one.metrics}
    assert all(one.metrics.keys() <= known for one in said)
