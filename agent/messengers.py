"""Those who carry news out of the house: the feed on local MQTT, Sparkplug, and the ways out of an alarm."""

from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any

from agent.alarm_messages import compact
from agent.alarm_metrics import AlarmMetrics
from agent.alarms.watch import Watch
from agent.config import Gateway, NotifyChoice
from agent.domain.alarm import AlarmChange
from agent.domain.clock import Clock
from agent.domain.gateway_health import GatewayHealth
from agent.domain.reading import CheckedReading
from agent.feed import Feed
from agent.feed.feed import Hear
from agent.feed.home_assistant import HomeAssistant
from agent.feed.self_test import FeedTest, Follow
from agent.feed.sparkplug import Sparkplug
from agent.notify import Follower, Hook, HookSettings, Mail
from agent.store.store import Recalled, Store


class Messengers:
    """None of them waits for another. `follow` is `Pipeline.follow`, by which the feed is tested."""

    def __init__(self, gateway: Gateway, store: Store, follow: Follow, clock: Clock) -> None:
        self._gateway = gateway
        self._store = store
        mqtt = gateway.mqtt
        self.feed = Feed(mqtt, gateway.gateway_id, store.feed_has, store.logged_after, clock)
        store.tell = self.feed.tell_store
        self.feed_test = FeedTest(mqtt.test_every_s, follow, lambda: self.feed.trouble, clock)
        self.feed.hears = self._heard_on_mqtt()
        self.edge_nodes = [
            Sparkplug(sparkplug, mqtt, gateway.checks, gateway.state_dir / "sparkplug.bdseq", clock)
            for sparkplug in [mqtt.sparkplug]
            if sparkplug
        ]
        self.followers = [_follower(choice, gateway, clock) for choice in gateway.notify]
        self.alarm_metrics = AlarmMetrics(clock)

    async def resume(self, recalled: Recalled, watches: Iterable[Watch]) -> None:
        """Go on where the last run ended; see `Store.recall`."""
        self.feed.resume(watches, recalled.standing, recalled.unsent, recalled.unsent_more)
        self.feed.tell_store(self._store.state.value, self._store.trouble)
        for node in self.edge_nodes:
            node.resume(watches, recalled.standing)
        newest = max((change.seq for change in recalled.standing), default=0)
        for follower in self.followers:
            await follower.resume(newest, self._store.alarms_after)

    def parts(self) -> list[Coroutine[Any, Any, None]]:
        """What has to run for them, until it is cancelled."""
        return [
            self.feed.run(),
            self.feed.confirm(),
            *(node.run() for node in self.edge_nodes),
            *(follower.run() for follower in self.followers),
            self.feed_test.run(),
        ]

    def tell(self, changes: Sequence[AlarmChange]) -> None:
        """The feed first: it waits for nothing, and nothing that follows can hold it up."""
        self.feed.tell(changes)
        self.alarm_metrics.count(changes)
        for node in self.edge_nodes:
            node.tell(changes)
        for follower in self.followers:
            follower.tell(changes)

    def tell_readings(self, readings: Iterable[CheckedReading]) -> None:
        self.feed.tell_readings(readings)
        for node in self.edge_nodes:
            node.tell_readings(readings)

    def tell_health(self, health: GatewayHealth, watches: Iterable[Watch]) -> None:
        self.feed.tell_health(health)
        self.feed.retain("alarm/metrics", compact(self.alarm_metrics.told(watches)))

    def mqtt_status(self) -> dict[str, Any]:
        mqtt = self._gateway.mqtt
        return {
            "broker": f"{mqtt.host}:{mqtt.port}",
            "topic": f"{mqtt.topic}/{self._gateway.gateway_id}",
            "trouble": self.feed.trouble,
            "waiting": self.feed.waiting,
            "published": self.feed.published,
            "dropped": self.feed.dropped,
        }

    def _heard_on_mqtt(self) -> Mapping[str, Hear]:
        gateway, heard = self._gateway, dict[str, Hear]()
        if gateway.mqtt.test_every_s:
            heard[self.feed.event_topic] = self.feed_test.hear
        if gateway.mqtt.home_assistant:
            house = HomeAssistant(gateway.mqtt, gateway.gateway_id, gateway.checks, gateway.alarms, self.feed.publish)
            house.announce()
            heard |= {house.status_topic: house.status_heard, house.config_topic: house.config_heard}
        return heard


def _follower(choice: NotifyChoice, gateway: Gateway, clock: Clock) -> Follower:
    settings, name = choice.settings, gateway.gateway_id
    way = Hook(settings, name) if isinstance(settings, HookSettings) else Mail(settings, name)
    return Follower(choice.name, way, choice.wanted, gateway.state_dir / "notify" / f"{choice.name}.sent", clock)
