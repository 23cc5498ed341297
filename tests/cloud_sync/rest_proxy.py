"""A Kafka REST proxy as the published interfaces describe it, with a table in place of Kafka.

No real one was asked: the answers are those of the API references named in `cloud_sync.uplink.rest_answers`.
"""

import base64
import json
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from cloud_sync.contract.decoding import Decoder
from cloud_sync.contract.record import identity
from cloud_sync.contract.schemas import schema
from tests.cloud_sync.ingest_server import IngestServer

CLUSTER = "lkc-7"
_BINARY = "application/vnd.kafka.binary.v2+json"


class RestProxy(IngestServer):
    """Takes both dialects; a path below `/registry` is a schema registry's, which gives every topic the id 7.

    `no_topics` are missing, `failures` the error codes of the next records, by sequence number.
    """

    def __init__(self, certificate: Path | None = None) -> None:
        super().__init__(certificate)
        self.no_topics: set[str] = set()
        self.failures: dict[int, int] = {}
        self.keys: list[str] = []
        self.headers: list[Any] = []

    @property
    def url(self) -> str:
        return super().url.partition("/v1")[0]

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        if not request.path.startswith("/registry/"):
            super().answer(request)
            return
        request.rfile.read(int(request.headers["Content-Length"]))
        request.send_response(200)
        request.send_header("Content-Length", "8")
        request.end_headers()
        request.wfile.write(b'{"id":7}')

    def body_of(self, request: BaseHTTPRequestHandler) -> dict[str, Any]:
        parts = request.path.split("/")
        if parts[1] == "topics":
            return self._v2(request, parts[2])
        assert parts[1:5] == ["v3", "clusters", CLUSTER, "topics"] and parts[6] == "records"
        return self._v3(request, parts[5])

    def take_in(self, request: BaseHTTPRequestHandler, body: Mapping[str, Any]) -> tuple[int, Mapping[str, str], bytes]:
        if self.key is not None and request.headers["Authorization"] != f"Bearer {self.key}":
            return 401, {}, b'{"error_code": 40101, "message": "Authentication failed"}'
        records, topic = body["records"], body["topic"]
        if topic in self.no_topics:
            return 404, {}, b'{"error_code": 40401, "message": "Topic not found."}'
        if len(records) > self.most_records:
            return 413, {}, b""
        bad = {record["metadata"]["sequence"] for record in records} & self.poison
        if bad and not self.names_poison:
            return 422, {}, b'{"error_code": 42201, "message": "a record is not what it should be"}'
        codes = [
            50_002 if (number := record["metadata"]["sequence"]) in bad else self.failures.get(number)
            for record in records
        ]
        for record, code in zip(records, codes, strict=True):
            if code is None:
                self.arrivals.append(identity(record))
                self.table.setdefault((topic, identity(record)), record)
        answer: Callable[[list[int | None]], bytes] = _v3_answer if body["v3"] else _v2_answer
        return 200, {"Content-Type": "application/json"}, answer(codes)

    def _v2(self, request: BaseHTTPRequestHandler, topic: str) -> dict[str, Any]:
        records = json.loads(request.rfile.read(int(request.headers["Content-Length"])))["records"]
        binary = request.headers["Content-Type"] == _BINARY
        assert binary or request.headers["Content-Type"] == "application/vnd.kafka.json.v2+json"
        self.keys += [base64.b64decode(record["key"]).decode() if binary else record["key"] for record in records]
        bodies = [_decoded(topic, record["value"]) if binary else record["value"] for record in records]
        return {"topic": topic, "records": bodies, "v3": False}

    def _v3(self, request: BaseHTTPRequestHandler, topic: str) -> dict[str, Any]:
        assert request.headers["Transfer-Encoding"] == "chunked"
        text = b""
        while size := int(request.rfile.readline(), 16):
            text += request.rfile.read(size)
            request.rfile.readline()
        request.rfile.readline()
        records = [json.loads(line) for line in text.splitlines()]
        self.keys += [base64.b64decode(record["key"]["data"]).decode() for record in records]
        self.headers += [{h["name"]: base64.b64decode(h["value"]).decode() for h in one["headers"]} for one in records]
        values = [record["value"] for record in records]
        bodies = [_decoded(topic, value["data"]) if value["type"] == "BINARY" else value["data"] for value in values]
        return {"topic": topic, "records": bodies, "v3": True}


def _decoded(topic: str, text: str) -> Any:
    return Decoder(topic, lambda _: schema(topic))(base64.b64decode(text))


def _v2_answer(codes: list[int | None]) -> bytes:
    taken = {"partition": 2, "offset": 7, "error_code": None, "error": None}
    offsets = [
        taken if code is None else {"partition": None, "offset": None, "error_code": code, "error": "no, because"}
        for code in codes
    ]
    return json.dumps({"offsets": offsets, "key_schema_id": None, "value_schema_id": None}).encode()


def _v3_answer(codes: list[int | None]) -> bytes:
    taken = {"error_code": 200, "cluster_id": CLUSTER, "partition_id": 2, "offset": 7}
    reports = [taken if code is None else {"error_code": code, "message": "no, because"} for code in codes]
    return "\r\n".join(json.dumps(report) for report in reports).encode()
