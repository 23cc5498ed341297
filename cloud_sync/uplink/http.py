"""Batches as gzip-compressed JSON in HTTP POST requests to an ingest endpoint.

The body is `{"gateway": …, "topic": …, "records": […]}`. The header `Idempotency-Key` is the same whenever the same
batch is sent again. A 2xx answer takes the batch; its JSON body may name refused records of it:
`{"rejected": [{"index": 3, "because": "unknown sensor"}]}`. What other answers mean is in `http_answers`.
"""

import gzip
import hashlib
import logging
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.request import getproxies, proxy_bypass

import httpx

from agent.domain.errors import SinkMisconfigured, SinkUnavailable
from agent.domain.secret import Secret
from cloud_sync.contract.jsontext import json_bytes
from cloud_sync.contract.record import Record
from cloud_sync.contract.web import certificate_is_refused, is_this_machine
from cloud_sync.uplink.http_answers import judged
from cloud_sync.uplink.interfaces import Batching, Delivery, TooSlow
from cloud_sync.uplink.own_thread import OwnThread
from cloud_sync.uplink.packer import Packer

_LARGEST_ANSWER = 1_000_000

# httpx tells every request with its whole URL, which can hold a key.
logging.getLogger("httpx").setLevel(logging.WARNING)


class HttpSink:
    """Implements `Sink` on an HTTP ingest endpoint."""

    @dataclass(frozen=True, slots=True)
    class Settings:
        """`url` takes the POST requests; https, or http on this machine, or any http with `allow_plain_http`.

        `api_key` is sent as a bearer token. The server's certificate is always verified, against `ca_file` (PEM) if
        given, else against the usual authorities. Connecting, sending and answering may take `timeout_s` each.
        Readings wait up to `linger_s` seconds for company, at most `batch` of them.
        """

        url: str
        api_key: Secret | None = None
        ca_file: Path | None = None
        allow_plain_http: bool = False
        timeout_s: float = 15.0
        linger_s: float = 5.0
        batch: int = 1000

        def __post_init__(self) -> None:
            try:
                url = httpx.URL(self.url)
            except httpx.InvalidURL as error:
                raise ValueError(f"url is not a web address: {error}") from None
            if url.scheme not in ("http", "https") or not url.host:
                raise ValueError("url must begin with https:// and name a server")
            if url.userinfo:
                raise ValueError("url must not hold a user or password; the key belongs into api_key")
            if url.scheme == "http" and not self.allow_plain_http and not is_this_machine(url.host):
                raise ValueError(
                    f"url would send to {url.host} unencrypted; use https://, or set allow_plain_http = true where "
                    "the network itself is protected"
                )
            if self.api_key is not None and not _fits_a_header(self.api_key.reveal()):
                raise ValueError(f"api_key from {self.api_key.source} has blanks, line breaks or letters beyond ASCII")
            if not 0 < self.timeout_s <= 300:
                raise ValueError(f"timeout_s must be above 0 and at most 300 seconds, not {self.timeout_s}")
            if not 0 <= self.linger_s <= 60:
                raise ValueError(f"linger_s must be between 0 and 60 seconds, not {self.linger_s}")
            if not 1 <= self.batch <= 5000:
                raise ValueError(f"batch must be between 1 and 5000 records, not {self.batch}")

    def __init__(self, settings: Settings, gateway_id: str) -> None:
        self._settings = settings
        self._gateway = gateway_id
        self._client: httpx.AsyncClient | None = None
        url = httpx.URL(settings.url)
        self._host = url.host
        self._thread = OwnThread(f"the search for {url.host}")
        self._packer = Packer(self._packed, "http")
        self._where = str(url.copy_with(query=None, fragment=None))

    @property
    def batching(self) -> Batching:
        return Batching(self._settings.batch, self._settings.linger_s, 2 * self._settings.timeout_s)

    async def open(self) -> None:
        """Whatever the server answers to OPTIONS proves that it can be reached; records are not risked for that."""
        await self.close()
        self._client = httpx.AsyncClient(
            verify=await self._thread.run(self._found),
            timeout=self._settings.timeout_s,
            headers=self._headers(),
            trust_env=not is_this_machine(self._host),  # no proxy on the way to ourselves
        )
        await self._answer("OPTIONS", b"", {})

    def pack_ahead(self, batch: Sequence[Record]) -> None:
        self._packer.begin(batch)

    async def send(self, batch: Sequence[Record]) -> Delivery:
        content, key = await self._packer.packed(batch)
        response, answer = await self._answer("POST", content, {"Idempotency-Key": key})
        if response.is_success and len(answer) > _LARGEST_ANSWER:
            raise SinkMisconfigured(f"{self._where} answered with more than {_LARGEST_ANSWER} bytes")
        delivery = judged(self._where, response.status_code, response.headers, answer, batch)
        return replace(delivery, sent_bytes=len(content) + _size_of_headers(response.request))

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _answer(self, method: str, content: bytes, headers: Mapping[str, str]) -> tuple[httpx.Response, bytes]:
        if self._client is None:
            raise SinkUnavailable(f"{self._where}: not open")
        try:
            async with self._client.stream(method, self._settings.url, content=content, headers=headers) as response:
                return response, self._without_key(await _read(response))
        except httpx.HTTPError as error:
            reason = f"{self._where}: {error or type(error).__name__}"
            if certificate_is_refused(error):
                raise SinkMisconfigured(f"{reason} (is the clock right, and ca_file the server's?)") from error
            slow = isinstance(error, httpx.ReadTimeout | httpx.WriteTimeout)
            raise (TooSlow if slow else SinkUnavailable)(reason) from error

    def _found(self) -> ssl.SSLContext:
        """The server's name is known to the net, and its authorities to us. A name server that hangs is waited for
        here, not in the threads that the whole gateway shares.
        """
        if not _has_a_proxy(self._host):
            try:
                socket.getaddrinfo(httpx.URL(self._settings.url).raw_host, None)
            except OSError as error:
                raise SinkUnavailable(f"{self._where}: {self._host} is not found: {error.strerror}") from error
        try:
            return ssl.create_default_context(cafile=self._settings.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise SinkMisconfigured(f"ca_file {self._settings.ca_file}: {error}") from error

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip", "Accept-Encoding": "identity"}
        if self._settings.api_key is not None:
            headers["Authorization"] = f"Bearer {self._settings.api_key.reveal()}"
        return headers

    def _without_key(self, answer: bytes) -> bytes:
        """A server may quote what it was sent, and its answer is logged."""
        key = self._settings.api_key
        return answer.replace(key.reveal().encode(), b"***") if key else answer

    def _packed(self, batch: Sequence[Record]) -> tuple[bytes, str]:
        head = json_bytes({"gateway": self._gateway, "topic": batch[0].topic})[:-1]
        # Record by record, since nobody else gets to run while one piece of JSON is made.
        text = head + b',"records":[' + b",".join([json_bytes(record.body) for record in batch]) + b"]}"
        return gzip.compress(text, 6, mtime=0), hashlib.sha256(text).hexdigest()


async def _read(response: httpx.Response) -> bytes:
    answer = b""
    async for chunk in response.aiter_bytes():
        answer += chunk
        if len(answer) > _LARGEST_ANSWER:
            break
    return answer


def _size_of_headers(request: httpx.Request) -> int:
    return len(request.url.raw_path) + sum(len(name) + len(value) + 4 for name, value in request.headers.raw)


def _has_a_proxy(host: str) -> bool:
    """Then it is the proxy's matter to find the host."""
    return bool(getproxies()) and not is_this_machine(host) and not proxy_bypass(host)


def _fits_a_header(key: str) -> bool:
    return key.isascii() and key.isprintable() and " " not in key and bool(key)
