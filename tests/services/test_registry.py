"""What later tests take for granted of the schema registry."""

import json
from collections.abc import Callable

import httpx

from tests.services.registry import Registry

READING = {"type": "record", "name": "Reading", "fields": [{"name": "value", "type": "double"}]}
WITHOUT_DEFAULT = READING | {"fields": [*READING["fields"], {"name": "unit", "type": "string"}]}
WITH_DEFAULT = READING | {"fields": [*READING["fields"], {"name": "unit", "type": "string", "default": "mg/L"}]}


def register(registry: Registry, subject: str, schema: object) -> httpx.Response:
    address = f"{registry.url}/subjects/{subject}/versions"
    return httpx.post(address, json={"schema": json.dumps(schema), "schemaType": "AVRO"}, timeout=10)


def test_a_schema_that_old_records_do_not_fit_is_refused(registry: Registry) -> None:
    httpx.put(f"{registry.url}/config/strict", json={"compatibility": "BACKWARD_TRANSITIVE"}).raise_for_status()
    first = register(registry, "strict", READING).raise_for_status().json()["id"]
    refused = register(registry, "strict", WITHOUT_DEFAULT)
    assert refused.status_code == 409
    assert "unit" in refused.text
    second = register(registry, "strict", WITH_DEFAULT).raise_for_status().json()["id"]
    assert second != first


def test_schemas_outlive_a_kill(own_service: Callable[[type[Registry]], Registry]) -> None:
    registry = own_service(Registry)
    number = register(registry, "kept", READING).raise_for_status().json()["id"]
    registry.kill()
    registry.start()
    kept = httpx.get(f"{registry.url}/schemas/ids/{number}").raise_for_status()
    assert json.loads(kept.json()["schema"]) == READING
