"""The test alarm: it goes out, comes back, and is missed when it does not."""

import json
from collections.abc import Sequence

from agent.alarm_messages import event_json
from agent.config.equipment import equipment_alarms
from agent.domain.alarm import AlarmChange, AlarmKind, AlarmState, Event
from agent.domain.equipment import FEED
from agent.equipment.watch import EquipmentWatch, Part
from agent.feed.self_test import FeedTest
from agent.pipeline import Pipeline
from tests.clock import FakeClock


class House:
    """The test with a pipeline behind it; what it told is in `changes`, for the broker to hand back."""

    def __init__(self) -> None:
        self.changes: list[AlarmChange] = []
        self.trouble: str | None = None
        self.clock = FakeClock()
        pipeline = Pipeline({}, equipment_alarms([], []), lambda readings, changes: None, self.tell)
        self.test = FeedTest(86_400, pipeline.follow, lambda: self.trouble, self.clock)
        part = Part(FEED, AlarmKind.FEED_SILENT, self.test.look, "reaches its listeners again")
        self._watch = EquipmentWatch([part], pipeline.follow, self.clock)

    def tell(self, changes: Sequence[AlarmChange]) -> None:
        self.changes += changes

    def goes_on(self, seconds: int) -> list[str]:
        """What was told of the feed in the meantime."""
        before = len(self.changes)
        for _ in range(seconds):
            self.clock.advance(1.0)
            self._watch.look()
        silent = [change for change in self.changes[before:] if change.alarm.kind is AlarmKind.FEED_SILENT]
        return [f"{change.event.value} {change.message}" for change in silent]


def test_a_test_alarm_comes_and_goes_by_itself_and_all_is_well_when_it_is_heard() -> None:
    house = House()
    house.test.send()
    assert [change.event for change in house.changes] == [Event.RAISED, Event.CLEARED, Event.ACKNOWLEDGED]
    assert house.changes[-1].standing.state is AlarmState.NORMAL
    house.test.hear(event_json(house.changes[0]).encode())
    house.clock.advance(61)
    assert house.test.look() == ""


def test_one_that_does_not_come_back_is_missed_until_one_does() -> None:
    house = House()
    house.test.send()
    house.test.hear(b'{"alarm": "tank-1/do-1/oxygen/low"}')
    house.test.hear(b"no JSON")
    house.clock.advance(59)
    assert house.test.look() == ""
    house.clock.advance(2)
    assert "did not come back" in house.test.look()
    house.test.send()
    assert "did not come back" in house.test.look()
    house.test.hear(json.dumps({"alarm": str(house.changes[0].alarm)}).encode())
    assert house.test.look() == ""


def test_a_broker_that_is_not_reached_is_told_without_a_test() -> None:
    house = House()
    house.trouble = "MQTT broker 127.0.0.1:1883: refused"
    assert house.test.look() == house.trouble


def test_a_test_alarm_that_is_missed_is_an_alarm_until_one_comes_back() -> None:
    house = House()
    house.test.send()
    assert house.goes_on(119) == []
    (raised,) = house.goes_on(10)
    assert raised.startswith("raised gateway/machine/feed: a test alarm did not come back")
    house.test.send()
    assert house.goes_on(86_400) == [], "it stands as long as none comes back"
    house.test.hear(event_json(house.changes[0]).encode())
    assert house.goes_on(20) == ["cleared gateway/machine/feed: reaches its listeners again"]
