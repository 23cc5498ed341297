"""The registry's client: who has to act when it does not answer as it should."""

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from agent.domain.secret import Secret
from cloud_sync.contract.errors import RegistryRefuses, RegistryUnavailable, UnknownSchema
from cloud_sync.contract.registry import Registry
from cloud_sync.contract.schemas import schema
from tests.services.registry import Registry as RealRegistry


class Scripted:
    """A server that answers as it is told, and keeps what it was asked."""

    def __init__(self) -> None:
        self.status, self.body = 200, b"{}"
        self.asked: list[tuple[str, str | None]] = []
        house = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                house.asked.append((self.path, self.headers["Authorization"]))
                self.send_response(house.status)
                self.send_header("Content-Length", str(len(house.body)))
                self.end_headers()
                self.wfile.write(house.body)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    server = Scripted()
    yield server
    server.server.shutdown()
    server.server.server_close()


def client(port: int, **settings: Any) -> Registry:
    return Registry(Registry.Settings(f"http://127.0.0.1:{port}/registry/", **settings))


def told(code: int, words: str) -> bytes:
    return json.dumps({"error_code": code, "message": words}).encode()


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (500, told(50001, "the store is down"), RegistryUnavailable, "500 the store is down"),
        (503, b"<html>", RegistryUnavailable, "503 Service Unavailable"),
        (429, told(429, "slowly"), RegistryUnavailable, "429 slowly"),
        (408, b"", RegistryUnavailable, "408"),
        (401, told(40101, "who are you?"), RegistryRefuses, "401 who are you?"),
        (403, told(40301, "not you"), RegistryRefuses, "403 not you"),
        (409, told(409, "cannot be read"), RegistryRefuses, "409 cannot be read"),
        (422, told(42201, "no schema"), RegistryRefuses, "422 no schema"),
        (404, told(40401, "no such subject"), UnknownSchema, "aqua-backend schemas register"),
        (404, told(40403, "no such schema"), UnknownSchema, "aqua-backend schemas register"),
        (404, b"nothing here", RegistryRefuses, "is the url right"),
        (302, b"", RegistryRefuses, "302 Found"),
        (200, b"<html>please log in</html>", RegistryRefuses, "that is no schema registry"),
        (200, b"[1]", RegistryRefuses, "that is no schema registry"),
        (200, b'{"version": 1}', RegistryRefuses, "that is no schema registry"),
    ],
)
def test_who_has_to_act(scripted: Scripted, status: int, body: bytes, error: type[Exception], words: str) -> None:
    scripted.status, scripted.body = status, body
    with client(scripted.port) as registry, pytest.raises(error) as caught:
        registry.id_of("sensor-gaps")
    assert type(caught.value) is error
    assert words in str(caught.value)
    assert f"http://127.0.0.1:{scripted.port}/registry: POST /subjects/sensor-gaps-value" in str(caught.value)


def test_nobody_there_is_for_later(scripted: Scripted) -> None:
    scripted.server.server_close()
    with client(scripted.port) as registry, pytest.raises(RegistryUnavailable, match="Connection refused"):
        registry.id_of("sensor-gaps")


@pytest.mark.parametrize(
    ("settings", "header"),
    [
        ({}, None),
        ({"secret": Secret("abc", "a file")}, "Bearer abc"),
        ({"user": "me", "secret": Secret("abc", "a file")}, "Basic bWU6YWJj"),
    ],
)
def test_who_we_are(scripted: Scripted, settings: dict[str, Any], header: str | None) -> None:
    scripted.body = b'{"id": 7}'
    with client(scripted.port, **settings) as registry:
        assert registry.id_of("sensor-gaps") == 7
    assert scripted.asked == [("/registry/subjects/sensor-gaps-value", header)]


def test_what_an_id_stands_for_is_asked_once(scripted: Scripted) -> None:
    scripted.body = json.dumps({"schema": json.dumps(schema("sensor-gaps"))}).encode()
    with client(scripted.port) as registry:
        assert registry.schema(3) == registry.schema(3) == schema("sensor-gaps")
        scripted.body = b'{"schema": "syntax = proto3;"}'
        with pytest.raises(RegistryRefuses, match="schema 4 is no JSON"):
            registry.schema(4)
    assert [path for path, _ in scripted.asked] == ["/registry/schemas/ids/3", "/registry/schemas/ids/4"]


def test_only_a_server_with_the_right_certificate_is_spoken_to(scripted: Scripted, tmp_path: Path) -> None:
    authority, other = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    scripted.server.socket = context.wrap_socket(scripted.server.socket, server_side=True)
    scripted.body = b'{"id": 7}'
    for name, ca in (("right", authority), ("wrong", other)):
        ca.cert_pem.write_to_path(str(tmp_path / name))
    url = f"https://127.0.0.1:{scripted.port}"
    with Registry(Registry.Settings(url, ca_file=tmp_path / "right")) as registry:
        assert registry.id_of("sensor-gaps") == 7
    with (
        Registry(Registry.Settings(url, ca_file=tmp_path / "wrong")) as registry,
        pytest.raises(RegistryRefuses, match=r"CERTIFICATE_VERIFY_FAILED.*is ca_file the server's"),
    ):
        registry.id_of("sensor-gaps")


def test_a_real_registry_knows_what_was_registered_and_nothing_else(registry: RealRegistry) -> None:
    with Registry(Registry.Settings(registry.url)) as ours:
        number = ours.register("sensor-anomalies")
        assert ours.register("sensor-anomalies") == ours.id_of("sensor-anomalies") == number
        assert ours.schema(number) == schema("sensor-anomalies")
        assert ours.level("sensor-anomalies") == "BACKWARD_TRANSITIVE"
        assert ours.level("no-such-topic") is None
        with pytest.raises(UnknownSchema):
            ours.schema(999_999)
