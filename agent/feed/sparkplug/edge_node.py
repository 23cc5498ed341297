"""The edge node: what it says, in which order, under which number."""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator
from importlib.metadata import version
from typing import Final, NamedTuple

from agent.alarms import Watch
from agent.domain.alarm import AlarmChange
from agent.domain.clock import Clock
from agent.domain.farm import Sensor, Tank
from agent.domain.reading import CheckedReading
from agent.feed.by_exception import is_news
from agent.feed.settings import MqttSettings, SparkplugSettings
from agent.feed.sparkplug.metrics import alarm_metrics, ms, reading_metric, unread_metric
from agent.feed.sparkplug.payload import REBIRTH, DataType, Metric, encode

_MOST_WAITING: Final = 10_000


class Message(NamedTuple):
    topic: str
    payload: bytes


class EdgeNode:
    """Takes by its `tell` methods, which do next to nothing; what there is to say comes out of `births`, then `data`.

    Messages are numbered when they are made, 0 to 255 (tck-id-payloads-sequence-num-incrementing), so each is to be
    sent in its turn, or all begins with births again.
    """

    def __init__(
        self, sparkplug: SparkplugSettings, mqtt: MqttSettings, sensors: Iterable[Sensor], clock: Clock
    ) -> None:
        self.topic = f"spBv1.0/{sparkplug.group_id}/{{}}/{sparkplug.edge_node_id}"
        self._settings = mqtt
        self._clock = clock
        self._sensors: defaultdict[Tank, list[Sensor]] = defaultdict(list)
        for sensor in sensors:
            self._sensors[sensor.tank].append(sensor)
        self._watches: defaultdict[Tank | None, list[Watch]] = defaultdict(list)
        self._alarms: set[str] = set()
        self._latest: dict[Sensor, CheckedReading] = {}
        self._told: dict[Sensor, CheckedReading] = {}
        self._last: dict[str, AlarmChange] = {}
        self._arrived: dict[Sensor, None] = {}
        self._changes: deque[AlarmChange] = deque(maxlen=_MOST_WAITING)
        self._trusted = False
        self._seq = 0

    def resume(self, watches: Iterable[Watch], standing: Iterable[AlarmChange]) -> None:
        """The alarms there are, and the last change of each."""
        for watch in watches:
            self._watches[watch.alarm.source.tank].append(watch)
            self._alarms.add(str(watch.alarm))
        self._last = {str(change.alarm): change for change in standing}

    def tell_readings(self, readings: Iterable[CheckedReading]) -> None:
        for checked in readings:
            self._latest[checked.reading.sensor] = checked
            self._arrived[checked.reading.sensor] = None

    def tell(self, changes: Iterable[AlarmChange]) -> None:
        for change in changes:
            if (name := str(change.alarm)) in self._alarms:  # the births know no others
                self._last[name] = change
                self._changes.append(change)

    @property
    def command_topic(self) -> str:
        return self.topic.format("NCMD")

    @property
    def birth_topic(self) -> str:
        return self.topic.format("NBIRTH")

    def death(self, bd_seq: int) -> Message:
        """Of the birth with the same `bd_seq`; nothing else, and no number (tck-id-topics-ndeath-payload and -seq)."""
        return Message(self.topic.format("NDEATH"), encode(self._now_ms, [self._bd_seq(bd_seq)], None))

    def births(self, bd_seq: int) -> Iterator[Message]:
        """The node's birth, then one of each tank: every metric there will ever be, with its value as it is now."""
        self._seq = 0
        self._arrived.clear()
        self._changes.clear()
        self._told = dict(self._latest)
        control = [
            self._bd_seq(bd_seq),
            Metric(REBIRTH, self._now_ms, DataType.BOOLEAN, False),
            Metric("Properties/Software", self._now_ms, DataType.STRING, version("aquacontrol-gateway")),
            self._clock_trusted(),
        ]
        yield self._message("NBIRTH", None, [*control, *self._alarms_of(None)], birth=True)
        for tank in dict.fromkeys([*self._sensors, *filter(None, self._watches)]):
            yield self._message("DBIRTH", tank, [*self._readings_of(tank), *self._alarms_of(tank)], birth=True)

    def data(self) -> Iterator[Message]:
        """What is new since the births, or since this was asked last."""
        if self._clock.now().trusted != self._trusted:
            yield self._message("NDATA", None, [self._clock_trusted()])
        news: dict[Tank | None, list[Metric]] = {}
        while self._changes:
            change = self._changes.popleft()
            told = alarm_metrics(change.alarm, change.standing, change, change.at)
            news.setdefault(change.alarm.source.tank, []).extend(told)
        for sensor in self._arrived:
            checked = self._latest[sensor]
            if is_news(checked, self._told.get(sensor), self._settings):
                self._told[sensor] = checked
                news.setdefault(sensor.tank, []).append(reading_metric(checked))
        self._arrived.clear()
        for tank, metrics in news.items():
            yield self._message("NDATA" if tank is None else "DDATA", tank, metrics)

    def _message(self, kind: str, tank: Tank | None, metrics: Collection[Metric], birth: bool = False) -> Message:
        # In the order of their time (tck-id-operational-behavior-data-publish-dbirth-order), each once a time.
        newest = {(metric.at_ms, metric.name): metric for metric in metrics}
        in_order = sorted(newest.values(), key=lambda metric: metric.at_ms)
        payload = encode(self._now_ms, in_order, self._seq, birth)
        self._seq = (self._seq + 1) % 256
        return Message(self.topic.format(kind) + (f"/{tank.name}" if tank else ""), payload)

    def _readings_of(self, tank: Tank) -> Iterator[Metric]:
        now = self._clock.now()
        for sensor in self._sensors[tank]:
            checked = self._latest.get(sensor)
            yield reading_metric(checked) if checked else unread_metric(sensor, now)

    def _alarms_of(self, tank: Tank | None) -> Iterator[Metric]:
        now = self._clock.now()
        for watch in self._watches[tank]:
            yield from alarm_metrics(watch.alarm, watch.standing, self._last.get(str(watch.alarm)), now)

    def _bd_seq(self, bd_seq: int) -> Metric:
        return Metric("bdSeq", self._now_ms, DataType.INT64, bd_seq)

    def _clock_trusted(self) -> Metric:
        self._trusted = self._clock.now().trusted
        return Metric("Properties/Clock Trusted", self._now_ms, DataType.BOOLEAN, self._trusted)

    @property
    def _now_ms(self) -> int:
        return ms(self._clock.now())
