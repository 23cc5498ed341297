"""`aqua-backend schemas` on a real registry."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from cloud_sync.backend.__main__ import main
from cloud_sync.contract.schemas import schema, topics_with_schema
from tests.services.registry import Registry


def schemas(command: str, registry: Registry) -> int:
    return main(["schemas", command, "--registry", registry.url])


def test_schemas_are_registered_and_nothing_may_follow_that_cannot_read_them(
    own_service: Callable[[type[Registry]], Registry], capsys: pytest.CaptureFixture[str]
) -> None:
    registry = own_service(Registry)
    assert schemas("check", registry) == 1
    assert capsys.readouterr().out.count("the present schema is not registered") == len(topics_with_schema())

    for command in ("register", "register", "check"):
        assert schemas(command, registry) == 0
        told = capsys.readouterr().out.splitlines()
        assert len(told) == len(topics_with_schema())
        assert all(line.endswith(", BACKWARD_TRANSITIVE") for line in told)

    address = f"{registry.url}/subjects/sensor-gaps-value/versions"
    demanding = {**schema("sensor-gaps")}
    demanding["fields"] = [*demanding["fields"], {"name": "site", "type": "string"}]
    assert httpx.post(address, json={"schema": json.dumps(demanding)}).status_code == 409

    httpx.put(f"{registry.url}/config/sensor-gaps-value", json={"compatibility": "NONE"}).raise_for_status()
    assert schemas("check", registry) == 1
    assert "sensor-gaps-value: schema 4, but its compatibility is NONE" in capsys.readouterr().out
    httpx.post(address, json={"schema": json.dumps(demanding)}).raise_for_status()

    registry.kill()
    assert schemas("check", registry) == 1
    assert "Connection refused" in capsys.readouterr().err


def test_what_cannot_read_the_past_is_refused(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The other way round: the registry has had something that our schema cannot read."""
    other = {
        "type": "record",
        "name": "SensorGap",
        "namespace": "aquacontrol",
        "fields": [{"name": "a", "type": "int"}],
    }
    address = f"{registry.url}/subjects/refusing-value/versions"
    httpx.post(address, json={"schema": json.dumps(other)}).raise_for_status()
    monkeypatch.setattr("cloud_sync.backend.schemas.topics_with_schema", lambda: ["refusing"])
    monkeypatch.setattr("cloud_sync.contract.registry.schema", lambda topic: schema("sensor-gaps"))
    assert schemas("register", registry) == 1
    assert "409 " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "Give --registry URL, or set AQUA_REGISTRY_URL"),
        (["--registry", "registry.farm"], "must begin with https://"),
        (["--registry", "http://registry.farm"], "would speak to registry.farm unencrypted"),
        (["--registry", "https://me:hush@registry.farm"], "must not hold a user or password"),
        (["--registry", "https://registry.farm", "--registry-user", "me"], "user me has no password"),
        (["--registry", "https://registry.farm", "--registry-secret-file", "/nowhere/hush"], "cannot be read"),
        (["--registry", "https://registry.farm", "--registry-ca-file", "/nowhere/ca.pem"], "ca_file /nowhere/ca.pem"),
    ],
)
def test_settings_that_cannot_be_are_named(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AQUA_REGISTRY_URL", raising=False)
    assert main(["schemas", "check", *arguments]) == 1
    told = capsys.readouterr().err
    assert complaint in told
    assert "me:hush" not in told


def test_the_secret_is_read_from_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = tmp_path / "token"
    secret.write_text("hush\n")
    arguments = ["--registry", "http://127.0.0.1:1/path", "--registry-secret-file", str(secret)]
    assert main(["schemas", "check", *arguments]) == 1
    told = capsys.readouterr().err
    assert "http://127.0.0.1:1/path: POST /subjects/" in told
    assert "hush" not in told
