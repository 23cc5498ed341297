"""Batches as gzip-compressed JSON in HTTP POST requests to an ingest endpoint.

The body is `{"gateway": …, "topic": …, "records": […]}`. The header `Idempotency-Key` is the same whenever the same
batch is sent again. A 2xx answer takes the batch; its JSON body may name refused records of it:
`{"rejected": [{"index": 3, "because": "unknown sensor"}]}`. What other answers mean is in `http_answers`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agent.domain.secret import Secret
from cloud_sync.contract.record import Record
from cloud_sync.uplink.http_answers import judged
from cloud_sync.uplink.http_packing import HttpPacking
from cloud_sync.uplink.interfaces import Batching, Delivery, check_batching
from cloud_sync.uplink.packer import Packer
from cloud_sync.uplink.packing_help import PackingHelp
from cloud_sync.uplink.web_client import WebClient, check_header, check_url


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
            check_url(self.url, self.allow_plain_http)
            check_header("api_key", self.api_key)
            if not 0 < self.timeout_s <= 300:
                raise ValueError(f"timeout_s must be above 0 and at most 300 seconds, not {self.timeout_s}")
            check_batching(self.linger_s, self.batch)

    def __init__(self, settings: Settings, gateway_id: str) -> None:
        self._settings = settings
        packing = HttpPacking(gateway_id)
        patience_s = min(10.0, settings.timeout_s)  # a send is given twice as long
        self._packer = Packer(packing, "http", PackingHelp(packing, "http", patience_s=patience_s))
        key = settings.api_key.reveal() if settings.api_key is not None else None
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        secrets = [] if key is None else [key]
        self._web = WebClient(settings.url, headers, settings.timeout_s, settings.ca_file, secrets)

    @property
    def batching(self) -> Batching:
        return Batching(self._settings.batch, self._settings.linger_s, 2 * self._settings.timeout_s)

    async def open(self) -> None:
        await self._web.open()

    def pack_ahead(self, batch: Sequence[Record]) -> None:
        self._packer.begin(batch)

    async def send(self, batch: Sequence[Record]) -> Delivery:
        content, key = await self._packer.packed(batch)
        answer = await self._web.post(self._settings.url, content, {"Idempotency-Key": key})
        delivery = judged(self._web.where, answer.status, answer.headers, answer.content, batch)
        return replace(delivery, sent_bytes=answer.sent_bytes)

    async def close(self) -> None:
        await self._packer.close()
        await self._web.close()
