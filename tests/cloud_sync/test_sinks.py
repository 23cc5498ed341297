"""Finding a sink by its kind, and settings that do not fit together."""

import subprocess
import sys

import pytest
from pydantic import TypeAdapter

from agent.domain.secret import Secret
from cloud_sync.uplink import SINKS, sink_class
from cloud_sync.uplink.archive import ArchiveSink
from cloud_sync.uplink.http import HttpSink


@pytest.mark.parametrize("kind", SINKS)
def test_every_registered_sink_is_there(kind: str) -> None:
    found = sink_class(kind)
    assert isinstance(found.Settings, type) and found.Settings.__doc__


def test_an_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=f"no sink of kind 'ftp'; known are {', '.join(sorted(SINKS))}"):
        sink_class("ftp")


def test_a_missing_library_names_the_extra_to_install() -> None:
    script = """
import sys
sys.modules["httpx"] = None
from cloud_sync.uplink import sink_class
sink_class("archive")
try:
    sink_class("http")
except ValueError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("needs the library 'httpx': pip install aquacontrol-gateway[http]")


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
