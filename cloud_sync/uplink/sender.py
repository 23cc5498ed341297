"""The way of a batch into a sink: how much at once, and how much of the line."""

from collections.abc import Sequence
from dataclasses import replace

from agent.domain.clock import Clock
from cloud_sync.contract.record import Record
from cloud_sync.uplink.bandwidth import Bandwidth
from cloud_sync.uplink.batch import Batch
from cloud_sync.uplink.batch_size import BatchSize
from cloud_sync.uplink.contained import Contained
from cloud_sync.uplink.interfaces import BatchTooLarge, Delivery, TooSlow


class Sender:
    """`size` says how many records are sent at once now."""

    def __init__(self, sink: Contained, max_kbit_s: float | None, clock: Clock) -> None:
        self._sink = sink
        self._clock = clock
        self._bandwidth = Bandwidth(max_kbit_s, clock.boot_s())
        self.size = BatchSize(sink.batching.limit)

    def wait_s(self) -> float:
        """Until the line is free for anything but alerts."""
        return self._bandwidth.wait_s(self._clock.boot_s())

    def pack_ahead(self, batch: Batch) -> None:
        """It is sent next, if all goes well."""
        if len(batch.records) <= self.size.now and not batch.unsendable:
            self._sink.pack_ahead(batch.records)

    async def send(self, batch: Batch, part: Sequence[Record]) -> Delivery:
        """What the sink says of a part of the batch; what cannot be sent is refused without asking it."""
        if not batch.unsendable:
            return await self._measured(part)
        refused = [batch.unsendable[record.seq] for record in part if record.seq in batch.unsendable]
        good = [record for record in part if record.seq not in batch.unsendable]
        delivery = await self._measured(good) if good else Delivery()
        return replace(delivery, rejected=[*refused, *delivery.rejected])

    async def _measured(self, part: Sequence[Record]) -> Delivery:
        try:
            delivery = await self._sink.send(part)
        except Exception as error:
            if isinstance(error, BatchTooLarge | TooSlow):
                self.size.too_many(len(part))
            self._bandwidth.failed(self._clock.boot_s(), len(part))
            raise
        if delivery.keep_from is None:
            self.size.taken(len(part))
        self._bandwidth.sent(self._clock.boot_s(), len(part), delivery.sent_bytes)
        return delivery
