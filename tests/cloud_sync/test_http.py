"""The HTTP sink against a small real server."""

import asyncio
import logging
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import trustme

from agent.domain.errors import SinkMisconfigured, SinkUnavailable
from agent.domain.secret import Secret
from cloud_sync.contract.record import Record, identity
from cloud_sync.uplink.http import HttpSink
from cloud_sync.uplink.http_answers import retry_after_s
from cloud_sync.uplink.interfaces import BatchRefused, BatchTooLarge, Delivery, Sink, TooSlow, TryLater
from tests.cloud_sync.ingest_server import IngestServer
from tests.cloud_sync.sink_contract import JudgingSinkContract, JudgingWorld, Mood
from tests.cloud_sync.things import GATEWAY, records

KEY = "hush-hush-hush"


class HttpWorld(JudgingWorld):
    def __init__(self) -> None:
        self.server = IngestServer()
        self.server.key = KEY
        self.server.start()
        nothing = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        self.name_server = mock.patch("socket.getaddrinfo", side_effect=nothing)

    def sink(self, **settings: Any) -> HttpSink:
        settings = {"timeout_s": 0.3, "linger_s": 0.0} | settings
        return HttpSink(HttpSink.Settings(self.server.url, Secret(KEY, "KEY_FILE"), **settings), GATEWAY)

    def received(self) -> list[Mapping[str, Any]]:
        return list(self.server.table.values())

    def go_away(self) -> None:
        self.server.stop()

    def come_back(self) -> None:
        self.server.stop()
        self.server.start()

    def refuse_us(self) -> None:
        self.server.key = "another"

    def admit_us(self) -> None:
        self.server.key = KEY

    def misbehave(self, mood: Mood) -> None:
        match mood:
            case Mood.HANGS:
                self.server.goes_on.clear()
            case Mood.IS_SLOW:
                self.server.delay_s = 0.1
            case Mood.TAKES_HALF:
                self.server.takes_half = True
            case Mood.LOSES_THE_ANSWER:
                self.server.loses_answers = True
            case Mood.RESETS:
                self.server.resets = True
            case Mood.IS_NOWHERE:
                self.name_server.start()

    def behave(self) -> None:
        self.server.goes_on.set()
        self.server.takes_half = self.server.loses_answers = self.server.resets = False
        self.name_server.stop()

    async def send_and_lose_the_answer(self, sink: Sink, batch: Sequence[Record]) -> None:
        self.server.loses_answers = True
        with pytest.raises(SinkUnavailable):
            await sink.send(batch)
        self.server.loses_answers = False

    def refuse(self, seqs: set[int], by_name: bool) -> None:
        self.server.poison, self.server.names_poison = seqs, by_name

    def dawdle(self) -> None:
        self.server.delay_s = 0.5

    def hurry(self) -> None:
        self.server.delay_s = 0.0


@pytest.fixture
def world() -> Iterator[HttpWorld]:
    world = HttpWorld()
    yield world
    world.go_away()


class TestHttpKeepsTheContract(JudgingSinkContract):
    pass


async def send(world: HttpWorld, batch: Sequence[Record], **settings: Any) -> Delivery:
    sink = world.sink(**settings)
    await sink.open()
    try:
        return await sink.send(batch)
    finally:
        await sink.close()


@pytest.mark.parametrize("status", [200, 204, 302, 401, 404, 405, 500, 503])
async def test_whatever_the_server_answers_it_can_be_reached(world: HttpWorld, status: int) -> None:
    world.server.options_status = status
    sink = world.sink()
    await sink.open()
    await sink.close()
    assert world.server.requests == [], "opening sends no records"


async def test_a_server_that_cannot_be_reached_does_not_open(world: HttpWorld) -> None:
    world.go_away()
    with pytest.raises(SinkUnavailable, match=r"127\.0\.0\.1:\d+/v1/records: "):
        await world.sink().open()
    with world.name_server, pytest.raises(SinkUnavailable, match=r"127\.0\.0\.1 is not found: Name or service"):
        await world.sink().open()


async def test_what_was_sent_is_counted(world: HttpWorld) -> None:
    few, many = await send(world, records(1, 1)), await send(world, records(1, 200))
    first, second = (int(headers["Content-Length"]) for headers, _ in world.server.requests)
    assert first < few.sent_bytes < first + 1000
    assert many.sent_bytes - few.sent_bytes == pytest.approx(second - first, abs=5)


async def test_no_answer_in_time_asks_for_smaller_batches(world: HttpWorld) -> None:
    world.dawdle()
    with pytest.raises(TooSlow):
        await send(world, records(1, 3))


async def test_a_name_server_that_hangs_takes_no_thread_from_anybody_else(world: HttpWorld) -> None:
    answers = threading.Event()
    sinks = [world.sink() for _ in range(40)]  # more than asyncio has threads
    with mock.patch("socket.getaddrinfo", side_effect=lambda *_: answers.wait(20)):
        opening = [asyncio.create_task(sink.open()) for sink in sinks]
        await asyncio.sleep(0.1)
        for task in opening:
            task.cancel()
        await asyncio.gather(*opening, return_exceptions=True)
        again = await asyncio.gather(*(sink.open() for sink in sinks), return_exceptions=True)
        assert await asyncio.wait_for(asyncio.to_thread(lambda: 7), 5) == 7
    answers.set()
    assert all("the search for 127.0.0.1 has not finished" in str(error) for error in again)


async def test_a_request_says_who_what_and_which(world: HttpWorld) -> None:
    for batch in (records(1, 3), records(1, 3), records(1, 4)):
        await send(world, batch)
    (headers, body), (again, _), (other, _) = world.server.requests
    assert (body["gateway"], body["topic"], len(body["records"])) == (GATEWAY, "sensor-readings", 3)
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert headers["Idempotency-Key"] == again["Idempotency-Key"] != other["Idempotency-Key"]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (302, SinkMisconfigured), (400, BatchRefused), (401, SinkMisconfigured), (403, SinkMisconfigured),
        (404, SinkMisconfigured), (405, SinkMisconfigured), (408, TryLater), (413, BatchTooLarge),
        (415, SinkMisconfigured), (422, BatchRefused), (425, TryLater), (429, TryLater), (500, TryLater),
        (502, TryLater), (503, TryLater), (599, TryLater),
    ],
)  # fmt: skip
async def test_what_an_answer_means(world: HttpWorld, status: int, outcome: type[Exception]) -> None:
    world.server.answers = [(status, {}, b"because")]
    with pytest.raises(outcome, match=f"/v1/records answered {status}"):
        await send(world, records(1, 3))


@pytest.mark.parametrize("answer", [b"", b"OK", b"[]", b"{}", b'{"rejected": null}', b'{"rejected": []}'])
async def test_any_good_answer_takes_the_batch(world: HttpWorld, answer: bytes) -> None:
    world.server.answers = [(202, {}, answer)]
    assert await send(world, records(1, 3)) == Delivery()


@pytest.mark.parametrize("item", ['{"index": 3}', '{"index": -1}', '{"index": "1"}', '{"no": 1}', "7"])
async def test_a_rejection_of_what_was_not_sent_drops_nothing(world: HttpWorld, item: str) -> None:
    world.server.answers = [(200, {}, f'{{"rejected": [{item}]}}'.encode())]
    with pytest.raises(SinkMisconfigured, match="rejected records that were not sent"):
        await send(world, records(1, 3))


async def test_a_login_page_in_between_is_not_taken_for_an_acknowledgement(world: HttpWorld) -> None:
    world.server.answers = [(200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>Welcome, please log in")]
    with pytest.raises(SinkMisconfigured, match="web page"):
        await send(world, records(1, 3))


async def test_an_endless_answer_is_not_read_to_its_end(world: HttpWorld) -> None:
    world.server.answers = [(200, {}, b" " * 3_000_000)]
    with pytest.raises(SinkMisconfigured, match="more than 1000000 bytes"):
        await send(world, records(1, 3), timeout_s=5.0)


async def test_the_wish_for_a_pause_is_passed_on(world: HttpWorld) -> None:
    world.server.answers = [(429, {"Retry-After": "17"}, b"")]
    with pytest.raises(TryLater) as caught:
        await send(world, records(1, 3))
    assert caught.value.after_s == 17.0


@pytest.mark.parametrize(
    ("wish", "seconds"),
    [
        ("Mon, 23 Nov 2026 12:00:30 GMT", 30.0),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", 0.0),
        ("-5", 0.0),
        ("²", 0.0),
        ("9" * 5000, 999_999_999.0),
    ],
)
def test_a_wish_is_measured_by_the_clock_of_the_server(wish: str, seconds: float) -> None:
    assert retry_after_s({"retry-after": wish, "date": "Mon, 23 Nov 2026 12:00:00 GMT"}) == seconds


async def test_too_large_batches_arrive_in_parts(world: HttpWorld) -> None:
    world.server.most_records = 30
    tests = JudgingSinkContract()
    assert await tests._drain(world, last=100) == ([], (100, 0))
    assert [identity(record.body) for record in records(1, 100)] == world.server.arrivals


async def test_a_certificate_of_an_unknown_authority_is_refused(world: HttpWorld, tmp_path: Path) -> None:
    authority, authority_file, certificate = trustme.CA(), tmp_path / "ca.pem", tmp_path / "server.pem"
    authority.cert_pem.write_to_path(str(authority_file))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    world.server.stop()
    world.server = IngestServer(certificate)
    world.server.key = KEY
    world.server.start()
    with pytest.raises(SinkMisconfigured, match="CERTIFICATE_VERIFY_FAILED"):
        await send(world, records(1, 3), timeout_s=5.0)
    assert await send(world, records(1, 3), timeout_s=5.0, ca_file=authority_file) == Delivery()
    with pytest.raises(SinkMisconfigured, match="ca_file /nowhere"):
        await send(world, records(1, 3), ca_file=Path("/nowhere"))


async def test_no_secret_is_ever_written_down(world: HttpWorld, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    told: list[str] = []
    world.server.answers = [(status, {}, f"key {KEY} is bad".encode()) for status in (302, 400, 401, 413, 422, 503)]
    for _ in range(6):
        with pytest.raises(Exception, match="answered") as caught:
            await send(world, records(1, 3))
        told.append(repr(caught.value))
    await send(world, records(1, 3))
    world.go_away()
    with pytest.raises(SinkUnavailable) as away:
        await send(world, records(1, 3))
    text = "".join([*told, repr(away.value), caplog.text, repr(world.sink()._settings), repr(world.sink())])
    assert "hush-hush" not in text
    assert "tenant=hush" not in "".join(told) + caplog.text


async def test_a_cancelled_send_leaves_nothing_open(world: HttpWorld) -> None:
    sink = world.sink(timeout_s=5.0)
    await sink.open()
    world.server.delay_s = 0.2
    task = asyncio.create_task(sink.send(records(1, 3)))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await sink.close()
