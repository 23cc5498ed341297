"""`compose.yaml` is a Compose file, and keeps our rules: pinned, checked, reachable from its machine alone, no secrets.

`compose-spec.json` is the schema of Compose itself, as github.com/compose-spec/compose-go 2.16.2 has it (Apache-2.0).
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

FILE = Path(__file__).parents[3] / "cloud_sync" / "backend" / "compose.yaml"
STACK: Mapping[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
SERVICES: Mapping[str, Mapping[str, Any]] = STACK["services"]
every_service = pytest.mark.parametrize("name", SERVICES)


def variables() -> Iterator[tuple[str, str, str]]:
    """(service, name, value) of all environment variables."""
    for service, about in SERVICES.items():
        for name, value in about.get("environment", {}).items():
            yield service, name, str(value)


def test_compose_understands_it() -> None:
    schema = json.loads(Path(__file__).with_name("compose-spec.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(STACK)


@every_service
def test_an_image_stays_the_one_it_is(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9./-]+:v?\d+\.\d+\.\d+(-[a-z0-9]+)?", SERVICES[name]["image"])


@every_service
def test_it_is_reachable_from_its_own_machine_alone(name: str) -> None:
    about = SERVICES[name]
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in about["ports"])
    assert not {"network_mode", "networks", "privileged", "expose", "pid"} & set(about)


@every_service
def test_it_says_whether_it_is_well_and_is_started_again(name: str) -> None:
    about = SERVICES[name]
    assert about["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL") and about["healthcheck"]["retries"]
    assert about["restart"] == "unless-stopped"
    for needed, how in about.get("depends_on", {}).items():
        assert needed in SERVICES and how == {"condition": "service_healthy"}


@every_service
def test_what_it_mounts_is_there(name: str) -> None:
    for mount in SERVICES[name].get("volumes", []):
        source, target, *mode = mount.split(":")
        assert target.startswith("/")
        if source.startswith("."):
            assert (FILE.parent / source).exists() and mode == ["ro"]
        else:
            assert source in STACK["volumes"]


def test_no_two_take_the_same_port() -> None:
    ports = [port.split(":")[1] for about in SERVICES.values() for port in about["ports"]]
    assert len(ports) == len(set(ports))


@pytest.mark.parametrize(("service", "name", "value"), list(variables()))
def test_secrets_come_from_the_environment_and_have_no_default(service: str, name: str, value: str) -> None:
    if re.search("PASSWORD|SECRET|TOKEN|AUTH|CREDENTIAL", name):
        assert re.fullmatch(r"\$\{(AQUA_\w+):\?set \1\}", value)
    else:
        assert "$" not in value


def test_the_secrets_are_all_named_at_the_top() -> None:
    required = sorted(set(re.findall(r"\$\{(\w+):\?", FILE.read_text("utf-8"))))
    named = sorted(set(re.findall(r"AQUA_\w+", FILE.read_text("utf-8").split("name: aquacontrol")[0])))
    assert required == named and len(required) == 4
