"""Finding a sink by its kind, and settings that do not fit together."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from agent.domain.secret import Secret
from cloud_sync.uplink import SINKS, sink_class
from cloud_sync.uplink.archive import ArchiveSink
from cloud_sync.uplink.http import HttpSink
from cloud_sync.uplink.timescale_settings import TimescaleSettings


@pytest.mark.parametrize("kind", SINKS)
def test_every_registered_sink_is_there(kind: str) -> None:
    found = sink_class(kind)
    assert isinstance(found.Settings, type) and found.Settings.__doc__


def test_an_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=f"no sink of kind 'ftp'; known are {', '.join(sorted(SINKS))}"):
        sink_class("ftp")


@pytest.mark.parametrize(("kind", "library"), [("http", "httpx"), ("timescale", "psycopg")])
def test_a_missing_library_names_the_extra_to_install(kind: str, library: str) -> None:
    script = f"""
import sys
sys.modules["{library}"] = None
from cloud_sync.uplink import sink_class
sink_class("archive")
try:
    sink_class("{kind}")
except ValueError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith(f"needs the library '{library}': pip install aquacontrol-gateway[{kind}]")


@pytest.mark.parametrize(
    ("url", "because"),
    [
        ("http://ingest.example.com/v1", "unencrypted"),
        ("http://localhost.example.com/v1", "unencrypted"),
        ("https://user:word@ingest.example.com/v1", "must not hold a user or password"),
        ("ingest.example.com/v1", "must begin with https://"),
        ("ftp://ingest.example.com/v1", "must begin with https://"),
        ("https://", "must begin with https://"),
        ("https://ingest.example.com:port/", "not a web address"),
    ],
)
def test_a_url_that_cannot_serve(url: str, because: str) -> None:
    with pytest.raises(ValueError, match=because) as caught:
        HttpSink.Settings(url)
    assert "word@" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://ingest.example.com/v1", "http://127.0.0.1:8080/", "http://localhost/", "http://[::1]:1/"]
)
def test_a_url_that_can_serve(url: str) -> None:
    assert HttpSink.Settings(url).url == url
    assert HttpSink.Settings("http://10.0.0.7/", allow_plain_http=True)


def test_a_key_that_fits_no_header_is_not_shown() -> None:
    with pytest.raises(ValueError, match="api_key from KEY_FILE has") as caught:
        HttpSink.Settings("https://ingest.example.com/", Secret("hush\nhush", "KEY_FILE"))
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("field", ["batch", "linger_s", "level", "leave_free_mb", "keep_days"])
def test_archive_settings_out_of_range(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        TypeAdapter(ArchiveSink.Settings).validate_python({"folder": "archive", field: -1})


@pytest.mark.parametrize("field", ["batch", "linger_s", "timeout_s"])
def test_http_settings_out_of_range(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        TypeAdapter(HttpSink.Settings).validate_python({"url": "https://ingest.example.com/", field: -1})


@pytest.mark.parametrize(
    ("settings", "because"),
    [
        ({"host": "db.example.com"}, "written to unencrypted; name the authority of its certificate in ca_file"),
        ({"host": "localhost.example.com"}, "unencrypted"),
        ({"host": "10.0.0.7"}, "unencrypted"),
        ({"host": ""}, "the name or address of one server"),
        ({"host": "postgresql://user:word@db/x"}, "the name or address of one server"),
        ({"host": "one,two"}, "the name or address of one server"),
        ({"host": "/var/run/postgresql"}, "the name or address of one server"),
        ({"host": "no..where"}, "the name or address of one server"),
        ({"host": "localhost", "user": ""}, "user must not be empty"),
        ({"host": "localhost", "database": "a\0b"}, "database must not be empty or hold a NUL"),
        ({"host": "localhost", "port": 70_000}, "port must be between 1 and 65535"),
        ({"host": "localhost", "cert_file": Path("x")}, "cert_file and key_file go together"),
        ({"host": "localhost", "cert_file": Path("x"), "key_file": Path("y")}, "name the server's ca_file, too"),
        ({"host": "localhost", "password": Secret("a\0word@b", "FILE")}, "password from FILE holds a NUL"),
    ],
)
def test_a_database_that_cannot_serve(settings: dict[str, Any], because: str) -> None:
    with pytest.raises(ValueError, match=because) as caught:
        TimescaleSettings(**{"user": "farm-1", **settings})
    assert "word@" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_a_database_that_can_serve(host: str) -> None:
    assert TimescaleSettings(host, "farm-1").address()["sslmode"] == "disable"
    for elsewhere in ({"ca_file": Path("ca.pem")}, {"ca_file": Path("ca.pem"), "allow_plain": True}):
        assert TimescaleSettings("10.0.0.7", "farm-1", **elsewhere).address()["sslmode"] == "verify-full"
    assert TimescaleSettings("10.0.0.7", "farm-1", allow_plain=True).address()["sslmode"] == "disable"


@pytest.mark.parametrize(
    "field",
    [
        "batch", "linger_s", "connect_timeout_s", "statement_timeout_s", "lock_timeout_s",
        "idle_in_transaction_timeout_s", "port",
    ],
)  # fmt: skip
def test_timescale_settings_out_of_range(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        TypeAdapter(TimescaleSettings).validate_python({"host": "localhost", "user": "farm-1", field: -1})


def test_a_library_that_lacks_something_itself_is_told() -> None:
    script = """
import sys
sys.modules["psycopg_binary"] = None
from cloud_sync.uplink import sink_class
try:
    sink_class("timescale")
except ValueError as error:
    print(error)
"""
    environment = {**os.environ, "PSYCOPG_IMPL": "binary"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.startswith("a sink of kind 'timescale' cannot load its library (")
    assert done.stdout.strip().endswith("pip install aquacontrol-gateway[timescale]")
