"""The sink for Kafka REST proxies, against a small server that answers as their references say. No real proxy."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from agent.domain.errors import SinkMisconfigured, SinkUnavailable
from agent.domain.secret import Secret
from cloud_sync.uplink.interfaces import BatchRefused, BatchTooLarge, Delivery, TryLater
from cloud_sync.uplink.kafka_rest import KafkaRestSettings, KafkaRestSink
from cloud_sync.uplink.record_faults import Fault
from cloud_sync.uplink.rest_answers import v2_faults, v3_faults
from tests.cloud_sync.rest_proxy import CLUSTER, RestProxy
from tests.cloud_sync.sink_contract import JudgingSinkContract
from tests.cloud_sync.test_http import KEY, HttpWorld
from tests.cloud_sync.things import GATEWAY, OXYGEN, records

V3 = {"dialect": "v3", "cluster_id": CLUSTER}


class RestWorld(HttpWorld):
    server: RestProxy

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.server.stop()
        self.server = RestProxy()
        self.server.key = KEY
        self.server.start()
        self.settings = settings

    def sink(self, **settings: Any) -> KafkaRestSink:  # type: ignore[override]
        own: dict[str, Any] = {
            "timeout_s": 0.3, "linger_s": 0.0, "token": Secret(KEY, "KEY_FILE"),
            "registry_url": f"{self.server.url}/registry/",
        }  # fmt: skip
        return KafkaRestSink(KafkaRestSettings(url=self.server.url, **own | self.settings | settings), GATEWAY)


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[RestWorld]:
    world = RestWorld(**getattr(request, "param", {}))
    yield world
    world.go_away()


@pytest.mark.parametrize("world", [{}, V3], indirect=True, ids=["v2", "v3"])
class TestKafkaRestKeepsTheContract(JudgingSinkContract):
    pass


async def send(world: RestWorld, last: int = 3, **settings: Any) -> Delivery:
    sink = world.sink(**settings)
    await sink.open()
    try:
        return await sink.send(records(1, last))
    finally:
        await sink.close()


DIALECTS = pytest.mark.parametrize("dialect", [{}, V3, {"format": "json"}, {**V3, "format": "json"}])


@DIALECTS
async def test_each_dialect_and_format_says_the_same(world: RestWorld, dialect: dict[str, Any]) -> None:
    assert await send(world, **dialect) == Delivery()
    assert world.received() == [record.body for record in records(1, 3)]
    assert world.server.keys == [str(OXYGEN.sensor_id)] * 3
    if "cluster_id" in dialect:
        assert world.server.headers[2] == {"gateway": GATEWAY, "epoch": "epoch-a", "sequence": "3"}


@pytest.mark.parametrize("dialect", [{}, V3])
@pytest.mark.parametrize(
    ("code", "kept"),
    [
        (2, True), (5, True), (50_003, True), (503, True), (429, True),
        (1, False), (87, False), (50_002, False), (42_206, False),
    ],
)  # fmt: skip
async def test_a_record_that_fails_in_a_good_answer(
    world: RestWorld, dialect: dict[str, Any], code: int, kept: bool
) -> None:
    world.server.failures = {3: code}
    delivery = await send(world, 5, **dialect)
    if kept:
        assert (delivery.rejected, delivery.keep_from) == ([], 3) and f"error {code}: no, because" in delivery.because
    else:
        assert [rejection.seq for rejection in delivery.rejected] == [3] and delivery.keep_from is None


async def test_what_came_after_a_record_that_failed_is_not_written_twice(world: RestWorld) -> None:
    sink = world.sink()
    await sink.open()
    world.server.failures = {3: 50_003}
    assert (await sink.send(records(1, 5))).keep_from == 3
    world.server.failures = {}
    assert await sink.send(records(3, 5)) == Delivery()
    await sink.close()
    assert [one[-1] for one in world.server.arrivals] == [1, 2, 4, 5, 3]


@pytest.mark.parametrize(("code", "outcome"), [(50_002, BatchRefused), (10, BatchTooLarge), (413, BatchTooLarge)])
async def test_several_bad_records_may_have_drawn_others_with_them(
    world: RestWorld, code: int, outcome: type[Exception]
) -> None:
    world.server.failures = {2: code, 3: code}
    with pytest.raises(outcome):
        await send(world, 5)


@pytest.mark.parametrize("dialect", [{}, V3])
async def test_a_missing_topic_holds_up_no_other(world: RestWorld, dialect: dict[str, Any]) -> None:
    world.server.no_topics = {"sensor-readings"}
    delivery = await send(world, **dialect)
    assert [rejection.seq for rejection in delivery.rejected] == [1, 2, 3]
    assert delivery.rejected[0].because.endswith("sensor-readings: 404: Topic not found.")


@pytest.mark.parametrize(
    ("status", "content", "outcome"),
    [
        (404, b"", SinkMisconfigured),
        (404, b'{"error_code": 404, "message": "HTTP 404 Not Found"}', SinkMisconfigured),
        (403, b"", SinkMisconfigured), (408, b"", TryLater), (429, b"", TryLater), (500, b"", TryLater),
        (415, b"", SinkMisconfigured), (422, b"", BatchRefused), (413, b"", BatchTooLarge),
        (200, b"<html>log in", SinkMisconfigured), (200, b"", SinkMisconfigured), (200, b"[1]", SinkMisconfigured),
        (200, b'{"offsets": []}', SinkMisconfigured), (200, b'{"offsets": [{}, {}, {}, {}]}', SinkMisconfigured),
    ],
)  # fmt: skip
async def test_what_an_answer_means(world: RestWorld, status: int, content: bytes, outcome: type[Exception]) -> None:
    world.server.answers = [(status, {}, content)]
    with pytest.raises(outcome):
        await send(world)


async def test_a_stream_that_ends_early_keeps_the_rest(world: RestWorld) -> None:
    world.server.answers = [(200, {}, b'{"error_code": 200}\r\n{"error_code": 200}\r\n')]
    assert (await send(world, 4, **V3)).keep_from == 3
    world.server.answers = [(200, {}, b"")]
    with pytest.raises(SinkUnavailable):
        await send(world, 4, **V3)


@pytest.mark.parametrize(
    "settings",
    [{"user": "pond", "password": Secret("sesame", "FILE"), "token": None}, {"token": Secret("bearer-sesame", "FILE")}],
)
async def test_who_we_are_is_told_and_not_shown(world: RestWorld, settings: dict[str, Any]) -> None:
    sink = world.sink(**settings)
    said = sink._settings.login or ""
    world.server.answers = [(500, {}, f"who is {said} or {said.partition(' ')[2]}?".encode())] * 2
    with pytest.raises(SinkMisconfigured, match="401"):
        world.server.answers = []
        await send(world, **settings)
    world.server.answers = [(422, {}, f"who is {said}?".encode())]
    with pytest.raises(BatchRefused, match=r"who is (Basic|Bearer) \*\*\*\?"):
        await send(world, **settings)
    assert world.server.requests[-1][0]["Authorization"] == said


def test_an_offset_of_redpanda_is_taken() -> None:
    assert v2_faults("proxy", b'{"offsets":[{"partition":0,"offset":3}]}', 1) == {}


@pytest.mark.parametrize("code", [3, 29, 40_301, 40_401, 404])
def test_a_topics_trouble_is_known_by_any_of_its_numbers(code: int) -> None:
    fault = v2_faults("proxy", json.dumps({"offsets": [{"error_code": code, "message": "no"}]}).encode(), 1)[0]
    assert fault.of_topic and isinstance(fault, Fault)


def test_reports_may_stand_in_one_line() -> None:
    assert list(v3_faults("proxy", b'{"error_code":200}{"error_code":40801,"message":"later"}', 2)) == [1]
