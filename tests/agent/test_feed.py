"""The feed without a broker: what cannot be reached is told and tried again, never the end of the gateway. And its
lanes, in which everything waits for its turn.
"""

import asyncio
import json
from collections.abc import Sequence

import pytest

from agent.alarms import Watch
from agent.domain.alarm import AlarmChange, AlarmKind
from agent.domain.reading import Flag
from agent.feed import Feed, MqttSettings
from agent.feed.changes import Changes
from agent.feed.documents import Documents
from agent.feed.lanes import Lane
from agent.feed.readings import Readings
from agent.feed.states import States
from tests.agent.farm import WARMTH, alarm, change, checked
from tests.clock import FakeClock


async def nobody(seq: int) -> None:
    raise AssertionError("nothing can have been confirmed")


async def nothing(seq: int) -> Sequence[AlarmChange]:
    raise AssertionError("the memory is enough")


@pytest.mark.parametrize(
    "settings", [MqttSettings(port=1), MqttSettings("a..b"), MqttSettings(""), MqttSettings(ca_file="/nowhere.pem")]
)
async def test_a_broker_that_cannot_be_reached_is_trouble_and_no_more(settings: MqttSettings) -> None:
    feed = Feed(settings, "gw", nobody, nothing, FakeClock())
    running = asyncio.ensure_future(feed.run())
    feed.tell([change(1)])
    for _ in range(200):
        await asyncio.sleep(0.005)
        if feed.trouble and not feed.trouble.endswith("is not reached yet"):
            break
    assert feed.trouble is not None
    assert not feed.trouble.endswith("is not reached yet")
    assert not running.done()
    assert feed.waiting == 1
    running.cancel()


def taken(lane: Lane) -> list[str]:
    """The topics of all that waits, below the gateway's own, as a broker would get them."""
    topics = []
    while (message := lane.first()) is not None:
        topics.append(message.topic.removeprefix("aqua/gw/"))
        lane.sent()
    return topics


STATE, EVENT = "alarm/tank-1/do-1/oxygen/low/state", "alarm/event"


def test_a_state_is_told_once_however_many_changes_led_to_it() -> None:
    states = States("aqua/gw", 180, FakeClock())
    lane = Changes("aqua/gw/alarm/event", states)
    one = alarm()
    changes = [change(seq, which=one) for seq in (1, 2, 3)]
    states.tell(changes)
    lane.tell(changes)
    assert taken(lane) == [EVENT, EVENT, STATE, EVENT]
    assert (len(lane), lane.published, lane.confirmed_seq) == (0, 3, 3)


def test_what_the_broker_had_not_confirmed_is_told_again_to_the_next() -> None:
    states = States("aqua/gw", 180, FakeClock())
    lane = Changes("aqua/gw/alarm/event", states)
    states.tell([change(1)])
    lane.tell([change(1)])
    lane.first()
    lane.sent()
    lane.first()
    lane.reconnected()
    assert taken(lane) == [STATE, EVENT]


class Log:
    """The alarm log, which hands out a few at a time."""

    def __init__(self, *changes: AlarmChange) -> None:
        self.changes = list(changes)
        self.asked: list[int] = []

    async def after(self, seq: int) -> Sequence[AlarmChange]:
        self.asked.append(seq)
        return [change for change in self.changes if change.seq > seq][:3]


async def confirmed(lane: Changes, log: Log) -> list[int]:
    """The numbers of all events that a broker gets which takes them at once."""
    seqs = []
    await lane.refill(log.after)
    while (message := lane.first()) is not None:
        if message.topic.endswith("/event"):
            seqs.append(json.loads(message.payload)["seq"])
        lane.sent()
        await lane.refill(log.after)
    return seqs


@pytest.fixture
def short_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.feed.changes._MOST_WAITING", 4)


def laned(*seqs: int) -> Changes:
    states = States("aqua/gw", 180, FakeClock())
    states.tell([change(seq) for seq in seqs])
    return Changes("aqua/gw/alarm/event", states)


@pytest.mark.usefixtures("short_of_memory")
async def test_what_is_too_much_for_the_memory_comes_from_the_log_in_its_turn() -> None:
    lane, log = laned(20), Log(*[change(seq) for seq in range(1, 21)])
    lane.tell(log.changes)
    assert len(lane) == 20
    assert await confirmed(lane, log) == list(range(1, 21))
    assert (len(lane), lane.dropped, log.asked) == (0, 0, [4, 7, 10, 13])


@pytest.mark.usefixtures("short_of_memory")
async def test_what_comes_while_the_log_is_read_keeps_its_place() -> None:
    lane, log = laned(40), Log(*[change(seq) for seq in range(1, 21)])
    lane.tell(log.changes)

    class Busy(Log):
        async def after(self, seq: int) -> Sequence[AlarmChange]:
            fresh = [change(seq) for seq in range(self.changes[-1].seq + 1, min(self.changes[-1].seq + 4, 41))]
            lane.tell(fresh)
            found = await super().after(seq)
            self.changes += fresh
            return found

    assert await confirmed(lane, Busy(*log.changes)) == list(range(1, 41))
    assert lane.dropped == 0


@pytest.mark.usefixtures("short_of_memory")
async def test_a_log_that_cannot_be_read_holds_up_no_newer_alarm(caplog: pytest.LogCaptureFixture) -> None:
    lane = laned(20)
    lane.tell([change(seq) for seq in range(1, 21)])
    assert await confirmed(lane, Log()) == [1, 2, 3, 4, 17, 18, 19, 20]
    assert (len(lane), lane.dropped) == (0, 12)
    assert "12 events are left out" in caplog.text
    lane.tell([change(21)])
    assert await confirmed(lane, Log()) == [21]


@pytest.mark.usefixtures("short_of_memory")
async def test_a_log_on_a_disk_that_hangs_holds_up_no_newer_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.feed.changes._LOG_WITHIN_S", 0.01)

    class Hangs(Log):
        async def after(self, seq: int) -> Sequence[AlarmChange]:
            await asyncio.Event().wait()
            return []

    lane = laned(20)
    lane.tell([change(seq) for seq in range(1, 21)])
    assert await confirmed(lane, Hangs()) == [1, 2, 3, 4, 17, 18, 19, 20]
    assert lane.dropped == 12


@pytest.mark.usefixtures("short_of_memory")
async def test_after_a_restart_the_log_has_more_than_was_handed_over() -> None:
    lane, log = laned(23), Log(*[change(seq) for seq in range(5, 21)])
    lane.tell(log.changes[:4])
    lane.leave_to_log(12, 20)
    lane.tell([change(seq) for seq in (21, 22, 23)])
    assert len(lane) == 19
    assert await confirmed(lane, log) == list(range(5, 24))
    assert lane.dropped == 0


@pytest.mark.parametrize(("trusted", "valid_until"), [(True, "2025-06-15T15:09:40.000Z"), (False, None)])
def test_a_state_holds_for_three_heartbeats_if_the_gateway_knows_the_time(trusted: bool, valid_until: str) -> None:
    states = States("aqua/gw", 180, FakeClock(1_750_000_000_000_000, trusted=trusted))
    watch = Watch(alarm())
    states.resume([watch], [])
    states.refresh()
    message = states.first()
    assert message is not None
    assert message.retain
    assert json.loads(message.payload)["valid_until"] == valid_until


def test_the_alarms_that_stand_are_told_first() -> None:
    states = States("aqua/gw", 180, FakeClock())
    quiet, loud = Watch(alarm()), Watch(alarm(AlarmKind.CRITICAL_LOW))
    loud.standing = change(1).standing
    states.resume([quiet, loud], [])
    states.reconnected()
    assert taken(states) == [STATE.replace("/low", "/critical_low"), STATE]


def test_only_the_newest_document_of_a_topic_is_told() -> None:
    documents = Documents()
    documents.tell("store", "1")
    assert documents.first() == ("store", "1", True)
    documents.tell("store", "2")
    documents.sent()
    assert documents.first() == ("store", "2", True)
    documents.sent()
    documents.tell("store", "2")
    assert documents.first() is None
    documents.reconnected()
    assert taken(documents) == ["store"]


def readings(**settings: object) -> Readings:
    return Readings("aqua/gw", MqttSettings(**settings))  # type: ignore[arg-type]


def told_of(lane: Readings, *values: tuple[float, float | None]) -> list[float]:
    """When it told of readings that come at those times, to a broker that takes all at once."""
    times = []
    for boot_s, value in values:
        lane.tell([checked(boot_s, value)])
        if taken(lane):
            times.append(boot_s)
    return times


def test_a_reading_is_told_when_it_left_the_deadband_and_when_it_is_time() -> None:
    lane = readings(readings_every_s=10, readings_at_least_s=60, readings_deadband={"DissolvedOxygen": 0.25})
    near = [(0, 7.0), (5, 9.0), (10, 7.25), (20, 7.5), (30, 7.25), (79, 7.5), (80, 7.5)]
    gone: list[tuple[float, float | None]] = [(85, None), (90, None), (100, None)]
    assert told_of(lane, *near, *gone) == [0, 20, 80, 90]


def test_without_a_deadband_any_change_is_told() -> None:
    lane = readings(readings_every_s=1, readings_at_least_s=60)
    assert told_of(lane, (0, 7.0), (2, 7.0), (4, 7.01), (6, 7.01)) == [0, 4]


def test_a_flag_that_changes_is_told_whatever_the_value() -> None:
    lane = readings(readings_every_s=1, readings_at_least_s=60, readings_deadband={"DissolvedOxygen": 5})
    told_of(lane, (0, 7.0))
    lane.tell([checked(2, 7.0, Flag.SUSPECT, because="a spike")])
    message = lane.first()
    assert message is not None
    assert json.loads(message.payload)["because"] == "a spike"


def test_readings_can_be_switched_off() -> None:
    assert told_of(readings(readings_every_s=0), (0, 7.0), (100, 9.0)) == []


def test_a_slow_broker_gets_the_newest_reading_of_each_sensor() -> None:
    lane = readings(readings_every_s=1)
    for boot_s in range(1000):
        lane.tell([checked(boot_s, float(boot_s)), checked(boot_s, 20.0, sensor=WARMTH)])
    first = lane.first()
    assert first is not None
    assert json.loads(first.payload)["value"] == 999.0
    lane.tell([checked(1000, 1000.0)])
    lane.sent()
    assert taken(lane) == ["reading/tank-1/do-1/temperature", "reading/tank-1/do-1/oxygen"]


class Broker:
    """Stands for the client of a broker that takes everything."""

    def __init__(self) -> None:
        self.topics: list[str] = []

    async def publish(self, topic: str, payload: str, qos: int, retain: bool) -> None:
        self.topics.append(topic.removeprefix("aqua/gw/"))
        await asyncio.sleep(0)


async def test_alarms_go_before_all_else_and_wait_for_no_disk() -> None:
    async def hangs(seq: int) -> None:
        await asyncio.Event().wait()

    feed, broker = Feed(MqttSettings(), "gw", hangs, nothing, FakeClock()), Broker()
    feed.tell_readings([checked(0, 7.0)])
    feed.tell_store("ok", None)
    feed.tell([change(1)])
    tasks = [
        asyncio.ensure_future(feed._publish_for_ever(broker)),  # type: ignore[arg-type]
        asyncio.ensure_future(feed.confirm()),
    ]
    try:
        async with asyncio.timeout(5):
            while feed.waiting or len(broker.topics) < 4:
                await asyncio.sleep(0)
            feed.tell([change(2)])
            while feed.waiting:
                await asyncio.sleep(0)
    finally:
        for task in tasks:
            task.cancel()
    assert broker.topics == [STATE, EVENT, "store", "reading/tank-1/do-1/oxygen", STATE, EVENT]
