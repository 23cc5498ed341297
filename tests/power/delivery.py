"""The real forwarder between a store and a scripted sink, until there is nothing left to deliver."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from agent.domain.clock import Clock
from agent.domain.errors import SinkUnavailable, StoreError
from agent.store.store import Store
from cloud_sync.contract.record import Record
from cloud_sync.contract.topics import SENSOR_READINGS
from cloud_sync.uplink.forwarder import Forwarder
from cloud_sync.uplink.interfaces import Batching, Delivery, Rejection

SINK = "cloud"


class DiskTrouble(Exception):
    """The store cannot read or write, which the forwarder would sit out."""


class Idle(Exception):
    """The forwarder has nothing left to deliver."""


class UntilIdle:
    """The store as a backlog that ends the forwarder when there is nothing to do, or trouble with the disk."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def take(self, *arguments: Any, **named: Any) -> Any:
        try:
            return await self._store.take(*arguments, **named)
        except StoreError as error:
            raise DiskTrouble(str(error)) from error

    async def settle(self, *arguments: Any, **named: Any) -> None:
        try:
            await self._store.settle(*arguments, **named)
        except StoreError as error:
            raise DiskTrouble(str(error)) from error

    async def wait(self, seconds: float) -> None:
        raise Idle


async def deliver(store: Store, sink: "ScriptedSink", clock: Clock) -> None:
    """Let the forwarder run until everything is delivered. Raises DiskTrouble."""
    with suppress(Idle):
        await Forwarder(SINK, sink, UntilIdle(store), "pond-1", clock, uniform=lambda low, high: 0.0).run()


class ScriptedSink:
    """Hands the records it takes to `accept`. By its script it then loses the acknowledgement, answers only after what
    happens `meanwhile`, or refuses the first of several readings.
    """

    def __init__(self, accept: Callable[[Sequence[Record]], None], script: Iterable[str] = (), limit: int = 20) -> None:
        self.batching = Batching(limit, clock_patience_s=0.0)
        self._accept = accept
        self._script = iter(script)

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def meanwhile(self) -> None: ...

    async def send(self, batch: Sequence[Record]) -> Delivery:
        step = next(self._script, "accept")
        refused = batch[:1] if step == "refuse" and batch[0].topic == SENSOR_READINGS and len(batch) > 1 else []
        self._accept(batch[len(refused) :])
        if step == "lose":
            raise SinkUnavailable("connection reset")
        if step == "meanwhile":
            await self.meanwhile()
        return Delivery([Rejection(record.seq, "no such sensor") for record in refused])
