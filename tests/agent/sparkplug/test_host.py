"""A node with a primary host lives while that is online, by the newest that it said."""

import json

import pytest

from agent.feed.sparkplug.host import PrimaryHost


def said(online: object, at_ms: object) -> bytes:
    return json.dumps({"online": online, "timestamp": at_ms}).encode()


def test_without_a_primary_host_there_is_nobody_to_wait_for() -> None:
    assert PrimaryHost(None).online.is_set()


def test_it_is_online_when_it_says_so_and_gone_when_it_says_so_later() -> None:
    host = PrimaryHost("scada")
    assert host.topic == "spBv1.0/STATE/scada"
    assert not host.online.is_set()
    assert not host.has_gone(said(False, 1000))
    assert not host.has_gone(said(True, 2000))
    assert host.online.is_set()
    assert not host.has_gone(said(False, 1999))  # the will of an earlier connection
    assert not host.has_gone(said(True, 2000))
    assert host.has_gone(said(False, 2000))


def test_a_new_connection_knows_nothing_of_the_host() -> None:
    host = PrimaryHost("scada")
    host.has_gone(said(True, 2000))
    host.forget()
    assert not host.online.is_set()
    assert not host.has_gone(said(True, 1))
    assert host.online.is_set()


@pytest.mark.parametrize(
    "payload",
    [b"", b"ONLINE", b"[]", b"null", b'{"online": true}', said("true", 1), said(True, "now"), b"\xff", b"[" * 9_000],
)
def test_what_is_no_state_changes_nothing(payload: bytes) -> None:
    host = PrimaryHost("scada")
    assert not host.has_gone(payload)
    assert not host.online.is_set()
