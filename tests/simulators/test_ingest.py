"""The stand-in for the cloud: it keeps what it is sent once, and fails as told."""

import gzip
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from simulators.ingest import IngestServer, Misbehaviour


@pytest.fixture
def server() -> Iterator[IngestServer]:
    with IngestServer(0, "secret") as server:
        yield server


def record(time_: str, sensor: str = "s1") -> dict[str, Any]:
    return {"topic": "sensor-readings", "sensor_id": sensor, "time": time_, "value": 8.1}


def send(server: IngestServer, *records: Any, key: str = "secret", timeout: float = 2.0) -> httpx.Response:
    return httpx.post(
        server.url,
        content=gzip.compress(json.dumps({"records": records}).encode()),
        headers={"Content-Encoding": "gzip", "Authorization": f"Bearer {key}"},
        timeout=timeout,
    )


def test_records_are_kept_once(server: IngestServer) -> None:
    answer = send(server, record("1"), record("2"))
    assert (answer.status_code, answer.json()) == (200, {"accepted": 2, "rejected": []})
    send(server, record("2"), record("1", "s2"))
    assert server.records == [record("1"), record("2"), record("1", "s2")]
    assert (server.received.requests, server.received.duplicates) == (2, 1)


def test_plain_json_and_the_other_header_will_do(server: IngestServer) -> None:
    body = {"records": [{"topic": "sensor-alerts", "text": "low"}]}
    assert httpx.post(server.url, json=body, headers={"X-API-Key": "secret"}).status_code == 200
    assert httpx.post(server.url, json=body, headers={"X-API-Key": "secret"}).status_code == 200
    assert server.records == body["records"]


def test_strangers_and_nonsense_are_refused(server: IngestServer) -> None:
    assert send(server, record("1"), key="guess").status_code == 401
    headers = {"X-API-Key": "secret"}
    assert httpx.post(server.url, content=b"{", headers=headers).status_code == 400
    assert httpx.post(server.url, json=[1], headers=headers).status_code == 400
    assert httpx.post(server.url, content=b"x", headers={**headers, "Content-Encoding": "gzip"}).status_code == 400
    assert httpx.post(server.url.replace("ingest", "x"), json={}, headers=headers).status_code == 404
    assert server.records == []


@pytest.mark.parametrize("status", [400, 401, 413, 429, 500, 503])
def test_it_fails_with_the_status_wanted_as_often_as_wanted(server: IngestServer, status: int) -> None:
    server.misbehave = Misbehaviour(status=status, retry_after="7", times=1)
    answer = send(server, record("1"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (status, "7")
    assert server.records == []
    assert send(server, record("1")).status_code == 200


def test_it_hangs_and_still_ends(server: IngestServer) -> None:
    server.misbehave = Misbehaviour(hang=True)
    with pytest.raises(httpx.ReadTimeout):
        send(server, record("1"), timeout=0.2)
    assert server.records == []


def test_it_is_slow(server: IngestServer) -> None:
    server.misbehave = Misbehaviour(slow_s=0.15)
    began = time.monotonic()
    assert send(server, record("1")).status_code == 200
    assert time.monotonic() - began >= 0.15


def test_it_hangs_up_before_or_after_storing(server: IngestServer) -> None:
    server.misbehave = Misbehaviour(close_midway=True)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)):
        send(server, record("1"))
    assert server.records == []
    server.misbehave = Misbehaviour(lose_answer=True)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        send(server, record("1"))
    assert server.records == [record("1")]


def test_it_rejects_single_records(server: IngestServer) -> None:
    server.misbehave = Misbehaviour(reject=lambda one: "too old" if one["time"] == "1" else None)
    answer = send(server, record("1"), record("2"), "what?").json()
    assert answer == {
        "accepted": 1,
        "rejected": [{"index": 0, "because": "too old"}, {"index": 2, "because": "not an object"}],
    }
    assert server.records == [record("2")]


def test_a_kept_alive_connection_does_not_keep_the_server(server: IngestServer) -> None:
    with httpx.Client(headers={"X-API-Key": "secret"}) as client:
        assert client.post(server.url, json={"records": []}).status_code == 200
        assert client.post(server.url, json={"records": []}).status_code == 200
        server.__exit__(None, None, None)
        with pytest.raises(httpx.HTTPError):
            client.post(server.url, json={"records": []})
