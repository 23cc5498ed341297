"""A small ingest endpoint over real HTTP: stands in for the cloud in tests and in the demonstration.

POST /ingest with `Authorization: Bearer <key>` or `X-API-Key: <key>` and a JSON body `{"topic": …, "records": [...]}`,
gzipped or not. Answers 200 with `{"accepted": n, "rejected": [{"index": i, "because": "…"}]}`. What arrived is
remembered once an identity, in memory.
"""

import gzip
import json
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

HOST = "127.0.0.1"
Record = Mapping[str, Any]


@dataclass(slots=True)
class Misbehaviour:
    """How the endpoint fails, switched by hand; the defaults are no failure.

    status: answer with it and store nothing; retry_after: the header that goes with it. hang: never answer. slow_s:
    answer that much later. close_midway: hang up after half the request. lose_answer: store, then hang up without an
    answer. reject: gives the reason to refuse one record for good, or None. `times` limits all but `reject` and
    `slow_s` to the next so many requests; None is until switched off.
    """

    status: int | None = None
    retry_after: str | None = None
    hang: bool = False
    slow_s: float = 0.0
    close_midway: bool = False
    lose_answer: bool = False
    reject: Callable[[Record], str | None] | None = None
    times: int | None = None


def identity(record: Record, topic: str | None = None) -> str:
    """Topic, sensor and time; a record without a sensor is known by its whole content.

    An alert bears the time of its reading, and two alerts may come of one: it is known by its own id, too.
    """
    if "sensor_id" in record and "time" in record:
        return f"{topic}/{record.get('id', '')}/{record['sensor_id']}/{record['time']}"
    return f"{topic}/{json.dumps(record, sort_keys=True)}"


@dataclass(slots=True)
class Received:
    """What arrived: `records` by identity, how many requests came, and how many records came again."""

    records: dict[str, Record] = field(default_factory=dict)
    requests: int = 0
    duplicates: int = 0


class IngestServer:
    """`with IngestServer(0, "key") as server:` serves on 127.0.0.1 in threads of its own; `port` tells the port."""

    def __init__(self, port: int = 0, api_key: str = "demo-key") -> None:
        self.port = port
        self.api_key = api_key
        self.misbehave = Misbehaviour()
        self.received = Received()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/ingest"

    @property
    def records(self) -> list[Record]:
        """Everything stored so far, in the order of arrival."""
        with self._lock:
            return list(self.received.records.values())

    def __enter__(self) -> Self:
        """Raises OSError when the port is taken."""
        self._closing.clear()
        self._server = _Server((HOST, self.port), self)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._closing.set()
            self._server.shutdown()
            self._server.hang_up()
            self._server.server_close()
            self._server = None

    def store(self, records: list[Any], topic: str | None = None) -> list[dict[str, Any]]:
        """Remember records; returns which were refused, and why."""
        rejected = []
        with self._lock:
            for index, record in enumerate(records):
                because = self._refusal(record)
                if because is not None:
                    rejected.append({"index": index, "because": because})
                    continue
                key = identity(record, topic)
                self.received.duplicates += key in self.received.records
                self.received.records[key] = record
        return rejected

    def _refusal(self, record: Any) -> str | None:
        if not isinstance(record, dict):
            return "not an object"
        return self.misbehave.reject(record) if self.misbehave.reject else None

    def next_misbehaviour(self) -> Misbehaviour:
        """What holds for the request that has just come in."""
        with self._lock:
            self.received.requests += 1
            now = self.misbehave
            if now.times is None:
                return now
            if now.times <= 0:
                return Misbehaviour(slow_s=now.slow_s, reject=now.reject)
            now.times -= 1
            return now

    def wait(self, seconds: float | None) -> None:
        """Let time pass, but not beyond the end of the server."""
        self._closing.wait(seconds)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], owner: IngestServer) -> None:
        self.owner = owner
        self._connections: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Cut kept-alive connections, whose threads would read on."""
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: `received` tells what came."""

    def do_POST(self) -> None:
        owner = self.server.owner
        misbehaviour = owner.next_misbehaviour()
        length = int(self.headers.get("Content-Length", 0))
        if misbehaviour.close_midway:
            self.rfile.read(length // 2)
            self._hang_up()
            return
        raw = self.rfile.read(length)
        if misbehaviour.hang:
            owner.wait(None)
            self._hang_up()
            return
        owner.wait(misbehaviour.slow_s or 0.0)
        if misbehaviour.status is not None:
            self._tell(misbehaviour.status, {"error": "told to"}, misbehaviour.retry_after)
            return
        status, answer = self._ingest(raw)
        if misbehaviour.lose_answer:
            self._hang_up()
            return
        self._tell(status, answer)

    def _ingest(self, raw: bytes) -> tuple[int, dict[str, Any]]:
        owner = self.server.owner
        if self.path != "/ingest":
            return 404, {"error": f"{self.path}: there is only /ingest"}
        key = self.headers.get("X-API-Key") or self.headers.get("Authorization", "").removeprefix("Bearer ")
        if key != owner.api_key:
            return 401, {"error": "the API key is wrong"}
        try:
            body = json.loads(gzip.decompress(raw) if self.headers.get("Content-Encoding") == "gzip" else raw)
            records = body["records"]
            rejected = owner.store(list(records), body.get("topic"))
        except (ValueError, OSError, EOFError, KeyError, TypeError) as error:
            return 400, {"error": f"not a batch of records: {error!r}"}
        return 200, {"accepted": len(records) - len(rejected), "rejected": rejected}

    def _tell(self, status: int, answer: dict[str, Any], retry_after: str | None = None) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if retry_after is not None:
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        self.wfile.write(body)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)
