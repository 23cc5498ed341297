"""What people send about alarms: carried out when it fits, refused with a reason when it does not."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.alarm_commands import Commands
from agent.alarm_orders import orders
from agent.alarms import Refusal
from agent.annunciator import Annunciator
from agent.domain.alarm import AlarmChange, AlarmKind, AlarmState
from tests.agent.farm import NO_DATA, alarm, at, checked
from tests.clock import FakeClock

LOW = "tank-1/do-1/oxygen/low"
ACK = {"do": "ack", "alarm": LOW, "occurrence": 1, "by": "Ana"}


class Farm:
    """Two alarms of one sensor; the low one is raised."""

    def __init__(self) -> None:
        self.annunciator = Annunciator([alarm(on_delay_s=0, off_delay_s=0), NO_DATA])
        self.annunciator.observe(checked(0, 5.0))
        self.clock = FakeClock()
        self.commands = Commands(self.order, self.clock)

    def order(self, request: Mapping[str, Any]) -> list[AlarmChange]:
        return list(self.annunciator.carry_out(orders(request, self.annunciator, at(1.0)), at(1.0)))

    @property
    def states(self) -> list[AlarmState]:
        return [watch.standing.state for watch in self.annunciator.watches]

    def told(self, verb: str, **request: Any) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(self.commands.result(verb, json.dumps(request).encode(), False))
        return result


@pytest.fixture
def farm() -> Farm:
    return Farm()


def test_an_acknowledgement_says_who_did_it(farm: Farm) -> None:
    (change,) = farm.order(ACK)
    assert (change.by, change.standing.state) == ("Ana", AlarmState.ACKNOWLEDGED)
    assert change.message == "tank-1/do-1/oxygen: low acknowledged by Ana"


def test_maintenance_of_a_tank_silences_what_its_rule_says_and_can_be_ended(farm: Farm) -> None:
    work = {"do": "maintenance", "tank": "tank-1", "rule": "cleaning", "minutes": 30, "by": "Ana"}
    farm.order({"do": "shelve", "alarm": LOW, "minutes": 5, "reason": "in the bucket", "by": "Ana"})
    (suppressed,) = farm.order(work)
    assert suppressed.alarm.kind is AlarmKind.NO_VALID_DATA
    assert suppressed.reason == "cleaning"
    assert farm.states == [AlarmState.SHELVED, AlarmState.SUPPRESSED]
    farm.order({"do": "end-maintenance", "tank": "tank-1", "probe": "do-1", "by": "Ana"})
    assert farm.states == [AlarmState.SHELVED, AlarmState.NORMAL]


def test_feeding_silences_nothing_critical(farm: Farm) -> None:
    with pytest.raises(Refusal, match="there is no alarm to suppress"):
        farm.order({"do": "maintenance", "tank": "tank-1", "rule": "feeding", "minutes": 30, "by": "Ana"})


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({"do": "explode"}, "do = 'explode': use one of ack, shelve"),
        ({**ACK, "minutes": 3}, "ack knows no minutes: use alarm, occurrence, pressed, id, by, reason"),
        ({**ACK, "alarm": "tank-1/do-1/oxygen/lo"}, f"did you mean {LOW}"),
        ({**ACK, "alarm": 3}, "ack needs alarm: a text"),
        ({**ACK, "by": ""}, "ack needs by: a text"),
        ({**ACK, "by": "A\nna"}, "ack needs by"),
        ({**ACK, "by": "A" * 201}, "ack needs by"),
        ({**ACK, "occurrence": True}, "ack needs occurrence: a whole number"),
        ({**ACK, "occurrence": 2}, "occurrence 2 is meant, but 1 is the newest"),
        ({"do": "shelve", "alarm": LOW, "minutes": 5, "by": "Ana"}, "shelve needs reason"),
        ({"do": "shelve", "alarm": LOW, "reason": "x", "by": "Ana"}, "shelve needs minutes: a number up to 1440"),
        ({"do": "unshelve", "alarm": LOW, "by": "Ana"}, "is unacknowledged, not shelved"),
        ({"do": "reset", "alarm": LOW, "by": "Ana"}, "where reset means nothing"),
        ({"do": "maintenance", "tank": "tank-9", "rule": "cleaning", "minutes": 1, "by": "Ana"}, "no alarm watches"),
        ({"do": "maintenance", "tank": "tank-1", "rule": "party", "minutes": 1, "by": "Ana"}, "rule = 'party': use"),
        ({"do": "maintenance", "tank": "tank-1", "rule": "cleaning", "minutes": 241, "by": "Ana"}, "up to 240"),
        ({"do": "end-maintenance", "tank": "tank-1", "by": "Ana"}, "no alarm that is suppressed"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_reason(farm: Farm, request_: dict[str, Any], why: str) -> None:
    with pytest.raises(Refusal, match=why):
        farm.order(request_)
    assert farm.states == [AlarmState.UNACKNOWLEDGED, AlarmState.NORMAL]


def test_a_result_names_its_order_and_the_alarms_it_changed(farm: Farm) -> None:
    assert farm.told("ack", id="x1", alarm=LOW, occurrence=1, by="Ana") == {
        "do": "ack", "id": "x1", "ok": True, "alarms": {LOW: "acknowledged"},
    }  # fmt: skip
    again = farm.told("ack", id="x2", alarm=LOW, occurrence=1, by="Ana")
    assert (again["ok"], again["id"]) == (False, "x2")
    assert "is acknowledged, where acknowledged means nothing" in again["error"]


@pytest.mark.parametrize(
    ("payload", "retained", "why"),
    [
        (b"{", False, "no JSON"),
        (b"[]", False, "JSON object"),
        (b"x" * 5000, False, "5000 bytes"),
        (b"{}", True, "retain"),
    ],
)
def test_a_message_that_is_no_order_gets_a_reason(farm: Farm, payload: bytes, retained: bool, why: str) -> None:
    result = json.loads(farm.commands.result("ack", payload, retained))
    assert not result["ok"]
    assert why in result["error"]


def test_too_many_orders_are_refused_until_a_while_has_passed(farm: Farm) -> None:
    errors = [farm.told("ack", alarm=LOW, occurrence=9, by="Ana")["error"] for _ in range(31)]
    assert "too many orders" in errors[30]
    assert "too many orders" not in errors[29]
    farm.clock.advance(0.2)
    assert farm.told("ack", alarm=LOW, occurrence=1, by="Ana")["ok"]


@given(st.sampled_from(["ack", "shelve", "maintenance", "x"]), st.binary(max_size=60))
def test_no_bytes_can_do_harm(verb: str, payload: bytes) -> None:
    farm = Farm()
    assert not json.loads(farm.commands.result(verb, payload, False))["ok"]
    assert farm.states == [AlarmState.UNACKNOWLEDGED, AlarmState.NORMAL]


def pressed(boot_s: float) -> dict[str, Any]:
    """A button that was pressed then; now is second 1, and the alarm was raised at second 0."""
    time = datetime.fromtimestamp(at(boot_s).utc_us / 1e6, UTC).isoformat()
    return {"do": "ack", "alarm": LOW, "pressed": time, "by": "Home Assistant"}


@pytest.mark.parametrize("boot_s", [0.5, 1.0, 4.0])
def test_a_button_acknowledges_what_was_there_when_it_was_pressed(farm: Farm, boot_s: float) -> None:
    (change,) = farm.order(pressed(boot_s))
    assert change.standing.state is AlarmState.ACKNOWLEDGED


@pytest.mark.parametrize(
    ("request_", "because"),
    [
        (pressed(-1), "was raised after the button was pressed"),
        (pressed(-100), "101 s ago by the gateway's clock"),
        (pressed(100), "-99 s ago by the gateway's clock"),
        (ACK | {"pressed": "yesterday"}, "is no time"),
        (ACK | {"pressed": "2026-11-23T12:00:00"}, "lacks its time zone"),
        (ACK | {"pressed": 7}, "needs pressed"),
    ],
)
def test_a_button_never_hits_what_came_after_it(farm: Farm, request_: dict[str, Any], because: str) -> None:
    with pytest.raises(Refusal, match=because):
        farm.order(request_)
    assert farm.states[0] is AlarmState.UNACKNOWLEDGED
