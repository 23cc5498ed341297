"""A small real HTTP server with a table behind it, which can be away, slow, picky, or lose its answers."""

import gzip
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cloud_sync.contract.record import Identity, identity


class IngestServer:
    """`table` holds what was taken in, by topic and identity; `arrivals` are the identities as they came, `requests`
    the headers and bodies.
    """

    def __init__(self, certificate: Path | None = None) -> None:
        self.table: dict[tuple[str, Identity], Mapping[str, Any]] = {}
        self.arrivals: list[Identity] = []
        self.requests: list[tuple[Mapping[str, str], Mapping[str, Any]]] = []
        self.answers: list[tuple[int, Mapping[str, str], bytes]] = []
        self.poison: set[int] = set()
        self.names_poison = True
        self.key: str | None = None
        self.most_records = 10_000
        self.loses_answers = False
        self.takes_half = False
        self.options_status = 204
        self.resets = False
        self.goes_on = threading.Event()  # cleared: it hangs
        self.goes_on.set()
        self.delay_s = 0.0
        self.port = 0
        self._certificate = certificate
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        house = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                if house.is_there(self):
                    house.answer(self)

            def do_OPTIONS(self) -> None:
                if house.is_there(self):
                    self.send_response(house.options_status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = _Server(("127.0.0.1", self.port), Handler)
        if self._certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def url(self) -> str:
        return f"{'https' if self._certificate else 'http'}://127.0.0.1:{self.port}/v1/records?tenant=hush"

    def is_there(self, request: BaseHTTPRequestHandler) -> bool:
        """Wait while it hangs; reset the connection if that is its mood."""
        self.goes_on.wait(60)
        if self.resets:
            request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            request.close_connection = True
            request.connection.close()
        return not self.resets

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body = self.body_of(request)
        self.requests.append((dict(request.headers), body))
        time.sleep(self.delay_s)
        if self.takes_half:
            body["records"] = body["records"][: len(body["records"]) // 2]
        status, headers, content = self.answers.pop(0) if self.answers else self.take_in(request, body)
        if self.loses_answers or self.takes_half:
            request.close_connection = True
            return
        request.send_response(status)
        for name, value in {"Content-Length": str(len(content)), "Connection": "close", **headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(content)

    def body_of(self, request: BaseHTTPRequestHandler) -> dict[str, Any]:
        packed = request.rfile.read(int(request.headers["Content-Length"]))
        return dict(json.loads(gzip.decompress(packed)))

    def take_in(self, request: BaseHTTPRequestHandler, body: Mapping[str, Any]) -> tuple[int, Mapping[str, str], bytes]:
        if self.key is not None and request.headers["Authorization"] != f"Bearer {self.key}":
            return 401, {}, b""
        records = body["records"]
        if len(records) > self.most_records:
            return 413, {}, b""
        bad = [index for index, record in enumerate(records) if record["metadata"]["sequence"] in self.poison]
        if bad and not self.names_poison:
            return 422, {}, b"value is not plausible"
        for index, record in enumerate(records):
            if index not in bad:
                self.arrivals.append(identity(record))
                self.table.setdefault((body["topic"], identity(record)), record)
        answer = {"rejected": [{"index": index, "because": "value is not plausible"} for index in bad]}
        return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone away is part of the tests."""
