"""The schema registry, by the interface of Confluent's, which Apicurio, Karapace and Redpanda speak too.

A gateway only looks its schemas up. To register them, and to say what may follow them, is for `aqua-backend schemas`.
"""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import httpx

from agent.domain.secret import Secret
from cloud_sync.contract.errors import RegistryRefuses, RegistryUnavailable, UnknownSchema
from cloud_sync.contract.schemas import Schema, schema, subject
from cloud_sync.contract.web import certificate_is_refused, is_this_machine

COMPATIBILITY: Final = "BACKWARD_TRANSITIVE"
_NOT_FOUND = (40401, 40402, 40403)  # subject, version, schema; 40408: a subject without a level of its own
_NO_LEVEL = 40408
_PASSING = (408, 425, 429)


class Registry:
    """One registry. All calls block; each raises RegistryUnavailable or RegistryRefuses."""

    @dataclass(frozen=True, slots=True)
    class Settings:
        """`url` is where `/subjects` lies below; https, or http on this machine, or any http with `allow_plain_http`.

        With a `user`, `secret` is the password; without one it is a bearer token. The certificate is verified, against
        `ca_file` (PEM) if given, else against the usual authorities. An answer may take `timeout_s`.
        """

        url: str
        user: str | None = None
        secret: Secret | None = None
        ca_file: Path | None = None
        allow_plain_http: bool = False
        timeout_s: float = 10.0

        def __post_init__(self) -> None:
            try:
                url = httpx.URL(self.url)
            except httpx.InvalidURL as error:
                raise ValueError(f"the registry's url is not a web address: {error}") from None
            if url.scheme not in ("http", "https") or not url.host:
                raise ValueError("the registry's url must begin with https:// and name a server")
            if url.userinfo:
                raise ValueError("the registry's url must not hold a user or password")
            if url.scheme == "http" and not self.allow_plain_http and not is_this_machine(url.host):
                raise ValueError(f"the registry's url would speak to {url.host} unencrypted; use https://")
            if self.user is not None and self.secret is None:
                raise ValueError(f"the registry's user {self.user} has no password")

    def __init__(self, settings: Settings) -> None:
        self._where = settings.url.rstrip("/")
        try:
            verify = ssl.create_default_context(cafile=settings.ca_file)
        except OSError as error:
            raise RegistryRefuses(f"the registry's ca_file {settings.ca_file}: {error}") from error
        self._client = httpx.Client(
            verify=verify,
            timeout=settings.timeout_s,
            headers={"Accept": "application/vnd.schemaregistry.v1+json, application/json", **_bearer(settings)},
            auth=_basic(settings),
            trust_env=not is_this_machine(httpx.URL(self._where).host),  # no proxy on the way to ourselves
        )
        self._by_id: dict[int, Schema] = {}

    def __enter__(self) -> "Registry":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    def id_of(self, topic: str) -> int:
        """The id of the present schema of the topic's values. UnknownSchema: nobody has registered it."""
        try:
            return int(self._ask("POST", f"/subjects/{subject(topic)}", "id", _sent(topic)))
        except UnknownSchema as error:
            raise UnknownSchema(
                f"{error} – the present schema of {topic} is not registered; run `aqua-backend schemas register`"
            ) from error

    def schema(self, schema_id: int) -> Schema:
        """Asked for once an id: what an id stands for never changes."""
        if schema_id not in self._by_id:
            text = self._ask("GET", f"/schemas/ids/{schema_id}", "schema")
            try:
                self._by_id[schema_id] = json.loads(text)
            except ValueError as error:
                raise RegistryRefuses(f"{self._where}: schema {schema_id} is no JSON") from error
        return self._by_id[schema_id]

    def register(self, topic: str) -> int:
        """The id of the present schema, which is registered if it was not, and may be followed only by what can read
        it. RegistryRefuses: it cannot read what was written with an earlier one.
        """
        self._ask("PUT", f"/config/{subject(topic)}", "compatibility", {"compatibility": COMPATIBILITY})
        return int(self._ask("POST", f"/subjects/{subject(topic)}/versions", "id", _sent(topic)))

    def level(self, topic: str) -> str | None:
        """What may follow the topic's schemas, such as BACKWARD; None where the registry has nothing of its own."""
        try:
            return str(self._ask("GET", f"/config/{subject(topic)}", "compatibilityLevel"))
        except UnknownSchema:
            return None

    def _ask(self, method: str, path: str, wanted: str, content: Mapping[str, Any] | None = None) -> Any:
        """The part `wanted` of the answer."""
        question = f"{self._where}: {method} {path}"
        try:
            response = self._client.request(method, self._where + path, json=content)
            answer = response.json()
        except httpx.HTTPError as error:
            if certificate_is_refused(error):
                raise RegistryRefuses(f"{question}: {error} (is ca_file the server's?)") from error
            raise RegistryUnavailable(f"{question}: {error or type(error).__name__}") from error
        except ValueError:
            answer = None
        if response.is_success and isinstance(answer, dict) and wanted in answer:
            return answer[wanted]
        code, words = _told(answer)
        reason = f"{question}: {response.status_code} {words or response.reason_phrase}"
        if response.is_server_error or response.status_code in _PASSING:
            raise RegistryUnavailable(reason)
        if response.status_code == httpx.codes.NOT_FOUND and code in (*_NOT_FOUND, _NO_LEVEL):
            raise UnknownSchema(reason)
        if response.status_code == httpx.codes.NOT_FOUND or response.is_success:
            raise RegistryRefuses(f"{reason} – that is no schema registry: is the url right, with its path?")
        raise RegistryRefuses(reason)


def _told(answer: Any) -> tuple[int | None, str]:
    if not isinstance(answer, dict):
        return None, ""
    return answer.get("error_code"), str(answer.get("message", ""))


def _sent(topic: str) -> dict[str, str]:
    return {"schemaType": "AVRO", "schema": json.dumps(schema(topic), ensure_ascii=False, separators=(",", ":"))}


def _basic(settings: Registry.Settings) -> httpx.BasicAuth | None:
    if settings.user is None or settings.secret is None:
        return None
    return httpx.BasicAuth(settings.user, settings.secret.reveal())


def _bearer(settings: Registry.Settings) -> dict[str, str]:
    if settings.user is not None or settings.secret is None:
        return {}
    return {"Authorization": f"Bearer {settings.secret.reveal()}"}
