"""Records to Kafka through an HTTP proxy, where nothing but HTTP gets out, or no Kafka client can be installed.

The v2 dialect is understood by Confluent's REST Proxy, Redpanda, Karapace and the Strimzi bridge; v3 by Confluent's, in
its cloud, too. By default the values are the same Avro bytes that `kafka` writes, as base64. A lost answer may leave
records there twice: the dialects have nothing against it, but their identity shows it.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

from agent.domain.secret import Secret
from cloud_sync.contract.errors import BreaksContract, UnknownSchema
from cloud_sync.contract.jsontext import json_bytes, json_text
from cloud_sync.contract.record import Record, numbered
from cloud_sync.uplink.encoders import Encoders, RegistryKeys
from cloud_sync.uplink.http_answers import judged
from cloud_sync.uplink.interfaces import Batching, Delivery, Rejection, check_batching
from cloud_sync.uplink.packer import Packer
from cloud_sync.uplink.record_faults import AlreadyThere
from cloud_sync.uplink.rest_answers import refuses_topic, v2_faults, v3_faults
from cloud_sync.uplink.web_client import Answer, WebClient, check_header, check_url

_V2_TYPE = {"avro": "application/vnd.kafka.binary.v2+json", "json": "application/vnd.kafka.json.v2+json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaRestSettings(RegistryKeys):
    """`url` is what `/topics` (dialect v2) or `/v3/clusters` follows; https, or http on this machine, or any http with
    `allow_plain_http`. Dialect v3 needs the `cluster_id`.

    `format` "avro" needs the schema registry (`registry_url` and what goes with it), "json" does not. Who we are is
    told by `user` and `password`, or a bearer `token`. The server's certificate is always verified, against `ca_file`
    (PEM) if given, else against the usual authorities. Connecting, sending and answering may take `timeout_s` each.
    Readings wait up to `linger_s` seconds for company, at most `batch` of them.
    """

    url: str
    dialect: Literal["v2", "v3"] = "v2"
    cluster_id: str | None = None
    format: Literal["avro", "json"] = "avro"
    user: str | None = None
    password: Secret | None = None
    token: Secret | None = None
    ca_file: Path | None = None
    allow_plain_http: bool = False
    timeout_s: float = 15.0
    linger_s: float = 5.0
    batch: int = 500

    def __post_init__(self) -> None:
        check_url(self.url, self.allow_plain_http)
        check_header("token", self.token)
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password go together")
        if self.user is not None and self.token is not None:
            raise ValueError("user and token are two ways to say who we are; choose one")
        if (self.dialect == "v3") != (self.cluster_id is not None):
            raise ValueError("cluster_id and dialect v3 go together")
        if self.format == "avro":
            self.registry()
        if not 0 < self.timeout_s <= 300:
            raise ValueError(f"timeout_s must be above 0 and at most 300 seconds, not {self.timeout_s}")
        check_batching(self.linger_s, self.batch, most=2000)

    @property
    def login(self) -> str | None:
        """What the header Authorization says."""
        if self.user is not None and self.password is not None:
            return "Basic " + b64encode(f"{self.user}:{self.password.reveal()}".encode()).decode()
        return None if self.token is None else f"Bearer {self.token.reveal()}"


class _PackedBatch(NamedTuple):
    """Records with the JSON of each, and those that do not fit the schema."""

    records: list[Record]
    texts: list[bytes]
    refused: list[Rejection]


class KafkaRestSink:
    """Implements `Sink` on a Kafka REST proxy."""

    Settings = KafkaRestSettings

    def __init__(self, settings: KafkaRestSettings, gateway_id: str) -> None:
        self._settings = settings
        self._gateway = gateway_id
        self._encoders = Encoders(settings.registry()) if settings.format == "avro" else None
        self._there = AlreadyThere()
        self._packer = Packer(self._packed, "kafka-rest")
        login = settings.login
        headers = {} if login is None else {"Authorization": login}
        secrets = [secret.reveal() for secret in (settings.password, settings.token) if secret is not None]
        login_secret = [] if login is None else [login.partition(" ")[2]]
        self._web = WebClient(settings.url, headers, settings.timeout_s, settings.ca_file, secrets + login_secret)

    @property
    def batching(self) -> Batching:
        return Batching(self._settings.batch, self._settings.linger_s, 3 * self._settings.timeout_s)

    async def open(self) -> None:
        await self._web.open()

    def pack_ahead(self, batch: Sequence[Record]) -> None:
        if self._encoders is None or batch[0].topic in self._encoders:
            self._packer.begin(batch)

    async def send(self, batch: Sequence[Record]) -> Delivery:
        topic = batch[0].topic
        if self._encoders is not None:
            try:
                await self._encoders.learn(topic)
            except UnknownSchema as error:
                return Delivery([Rejection(record.seq, str(error)) for record in batch])
        packed = await self._packer.packed(batch)
        delivery = await self._post(topic, packed) if packed.records else Delivery()
        return replace(delivery, rejected=[*packed.refused, *delivery.rejected]) if packed.refused else delivery

    async def close(self) -> None:
        await self._web.close()

    async def _post(self, topic: str, packed: _PackedBatch) -> Delivery:
        records, where = packed.records, f"{self._web.where}, {topic}"
        places = self._there.missing(records)
        if not places:
            return self._there.judged(records, {})
        answer = await self._answer(topic, [packed.texts[place] for place in places])
        if not 200 <= answer.status < 300:
            return self._refused(where, answer, [records[place] for place in places])
        faults_of = v2_faults if self._settings.dialect == "v2" else v3_faults
        faults = faults_of(where, answer.content, len(places))
        delivery = self._there.judged(records, {places[place]: fault for place, fault in faults.items()})
        return replace(delivery, sent_bytes=answer.sent_bytes)

    def _refused(self, where: str, answer: Answer, batch: Sequence[Record]) -> Delivery:
        words = refuses_topic(answer.content) if answer.status in (403, 404) else None
        if words is not None:
            because = f"{where}: {answer.status}: {words}"
            return Delivery([Rejection(record.seq, because) for record in batch], sent_bytes=answer.sent_bytes)
        return judged(where, answer.status, answer.headers, answer.content, batch)

    async def _answer(self, topic: str, texts: Sequence[bytes]) -> Answer:
        own, base = self._settings, self._settings.url.rstrip("/")
        if own.dialect == "v2":
            headers = {"Content-Type": _V2_TYPE[own.format], "Accept": "application/vnd.kafka.v2+json"}
            content = b'{"records":[' + b",".join(texts) + b"]}"
            return await self._web.post(f"{base}/topics/{topic}", content, headers)
        address = f"{base}/v3/clusters/{own.cluster_id}/topics/{topic}/records"
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        return await self._web.post(address, b"\n".join(texts), headers, chunked=True)

    def _packed(self, batch: Sequence[Record]) -> _PackedBatch:
        text = self._v2_text if self._settings.dialect == "v2" else self._v3_text
        records, texts, refused = [], [], []
        for record in batch:
            try:
                texts.append(text(record))
                records.append(record)
            except BreaksContract as error:
                refused.append(Rejection(record.seq, str(error)))
        return _PackedBatch(records, texts, refused)

    def _v2_text(self, record: Record) -> bytes:
        if self._encoders is None:
            return b'{"key":%b,"value":%b}' % (json_text(record.key).encode(), json_bytes(record.body))
        return b'{"key":"%b","value":"%b"}' % (_base64(record.key), b64encode(self._encoders[record.topic](record)))

    def _v3_text(self, record: Record) -> bytes:
        epoch, sequence = numbered(record.body)
        told = {"gateway": self._gateway, "epoch": epoch, "sequence": str(sequence)}
        headers = [{"name": name, "value": _base64(part).decode()} for name, part in told.items() if part is not None]
        if self._encoders is None:
            value = b'"JSON","data":%b' % json_bytes(record.body)
        else:
            value = b'"BINARY","data":"%b"' % b64encode(self._encoders[record.topic](record))
        key, head = _base64(record.key), json_text(headers).encode()
        return b'{"key":{"type":"BINARY","data":"%b"},"value":{"type":%b},"headers":%b}' % (key, value, head)


def _base64(text: str) -> bytes:
    return b64encode(text.encode())
