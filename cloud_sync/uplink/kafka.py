"""Records as Avro in the registry's wire format, written to Kafka by librdkafka.

Acknowledged by all replicas, and within the life of one producer neither doubled nor reordered. Where the answer to a
write is lost for longer than a send may take, the records are written again: a record may then be there twice, and its
identity shows it. The key of a record decides on its partition, so what one sensor measured stays in order.

Headers: `gateway`, `epoch` (not of alerts) and `sequence`: nobody needs a schema to tell where a record is from.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from cloud_sync.contract.errors import BreaksContract, UnknownSchema
from cloud_sync.contract.record import Record, numbered
from cloud_sync.uplink.encoders import Encoders
from cloud_sync.uplink.interfaces import Batching, Delivery, Rejection
from cloud_sync.uplink.kafka_errors import fault_of, is_final
from cloud_sync.uplink.kafka_settings import KafkaSettings
from cloud_sync.uplink.kafka_tokens import token_of
from cloud_sync.uplink.kafka_writer import Headers, Packed, Writer
from cloud_sync.uplink.own_thread import OwnThread
from cloud_sync.uplink.packer import Packer
from cloud_sync.uplink.record_faults import AlreadyThere

_made = tuple.__new__
"""A named tuple of all its fields in order: its own constructor takes twice as long."""


class KafkaSink:
    """Implements `Sink` on the brokers of one cluster."""

    Settings = KafkaSettings

    def __init__(self, settings: KafkaSettings, gateway_id: str) -> None:
        self._settings = settings
        self._gateway = gateway_id
        self._where = f"Kafka at {settings.bootstrap_servers}"
        self._writer: Writer | None = None
        self._encoders = Encoders(settings.registry())
        self._there = AlreadyThere()
        self._packer = Packer(self._packed, "kafka")
        self._thread = OwnThread(self._where)
        self._closing = OwnThread(f"the end of {self._where}")

    @property
    def batching(self) -> Batching:
        own = self._settings
        return Batching(own.batch, own.linger_s, 3 * own.timeout_s)

    async def open(self) -> None:
        """Every broker's metadata is proof enough; nothing is written."""
        await self._reached()

    def pack_ahead(self, batch: Sequence[Record]) -> None:
        if batch[0].topic in self._encoders:
            self._packer.begin(batch)

    async def send(self, batch: Sequence[Record]) -> Delivery:
        topic = batch[0].topic
        try:
            await self._encoders.learn(topic)
        except UnknownSchema as error:
            return Delivery([Rejection(record.seq, str(error)) for record in batch])
        packed = await self._packer.packed(batch)
        delivery = await self._write(topic, packed) if packed.records else Delivery()
        return replace(delivery, rejected=[*packed.refused, *delivery.rejected]) if packed.refused else delivery

    async def close(self) -> None:
        writer = self._writer
        if writer is not None:
            writer.abandon()
            if not self._closing.busy:  # else nothing new is begun until what hangs has ended
                self._writer = None
            await self._closing.run(writer.close)

    async def _write(self, topic: str, packed: "_PackedBatch") -> Delivery:
        records = packed.records
        places = self._there.missing(records)
        data = packed.data if len(places) == len(records) else [packed.data[place] for place in places]
        writer = self._writer or await self._reached()
        try:
            found, sent_bytes = await self._thread.run(lambda: writer.write(topic, data))
        except BaseException:
            await self.close()
            raise
        if not all(is_final(error) for error in found.values()):
            await self.close()  # and with it all that it might still write
        faults = {places[place]: fault_of(error, f"{self._where}, {topic}") for place, error in found.items()}
        return replace(self._there.judged(records, faults), sent_bytes=sent_bytes)

    async def _reached(self) -> Writer:
        await self.close()
        writer = await self._new_writer()
        try:
            await self._thread.run(writer.reach)
        except BaseException:
            await self.close()
            raise
        return writer

    async def _new_writer(self) -> Writer:
        self._writer = writer = await self._thread.run(self._made_writer)
        return writer

    def _made_writer(self) -> Writer:
        own = self._settings
        own.check_files()
        settings = own.librdkafka(self._gateway)
        if own.token_file is not None:
            settings["oauth_cb"] = token_of(own.token_file)
        return Writer(settings, self._where, own.timeout_s, own.without_secrets)

    def _packed(self, batch: Sequence[Record]) -> "_PackedBatch":
        encode, records, data, refused = self._encoders[batch[0].topic], [], [], []
        gateway: tuple[str, str] = ("gateway", self._gateway)
        epochs: dict[str | None, Headers] = {}
        for record in batch:
            try:
                value = encode(record)
            except BreaksContract as error:
                refused.append(Rejection(record.seq, str(error)))
                continue
            epoch, sequence = numbered(record.body)
            head = epochs.get(epoch)
            if head is None:
                head = epochs[epoch] = [gateway] if epoch is None else [gateway, ("epoch", epoch)]
            records.append(record)
            data.append(_made(Packed, (value, record.key, [*head, ("sequence", str(sequence))])))
        return _PackedBatch(records, data, refused)


class _PackedBatch(NamedTuple):
    """Records with what goes on the line for each, and those that do not fit the schema."""

    records: list[Record]
    data: list[Packed]
    refused: list[Rejection]
