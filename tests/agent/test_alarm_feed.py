"""The feed without a broker: what cannot be reached is told and tried again, never the end of the gateway."""

import asyncio

import pytest

from agent.alarm_feed import AlarmFeed, MqttSettings
from tests.agent.farm import change
from tests.clock import FakeClock


async def nobody(seq: int) -> None:
    raise AssertionError("nothing can have been confirmed")


@pytest.mark.parametrize(
    "settings", [MqttSettings(port=1), MqttSettings("a..b"), MqttSettings(""), MqttSettings(ca_file="/nowhere.pem")]
)
async def test_a_broker_that_cannot_be_reached_is_trouble_and_no_more(settings: MqttSettings) -> None:
    feed = AlarmFeed(settings, "gw", nobody, FakeClock())
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


async def test_too_many_events_make_room_for_the_newest(caplog: pytest.LogCaptureFixture) -> None:
    feed = AlarmFeed(MqttSettings(), "gw", nobody, FakeClock())
    feed.resume([], [], [change(seq) for seq in range(1, 20_101)])
    assert (feed.waiting, feed.dropped) == (20_000, 100)
    assert len(caplog.records) == 1
