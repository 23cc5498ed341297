"""From what Kafka has to bodies and lines, or to the reason why there is none."""

from collections.abc import Callable
from typing import Final

from cloud_sync.backend.ingest.records import Fault, Message, Record
from cloud_sync.contract.decoding import Decoder as Avro
from cloud_sync.contract.errors import BreaksContract, RegistryRefuses, UnknownSchema
from cloud_sync.contract.lines import COPY
from cloud_sync.contract.registry import Registry
from cloud_sync.contract.schemas import Schema

_DENIED_FOR_S: Final = 60.0


class _Denied(Exception):
    """The registry has no such schema, though it is the right registry."""


class Decoder:
    """Decodes the values of one topic. A registry that knows not even the topic's present schema is the wrong one, or
    was emptied: what it denies then says nothing about a record.
    """

    def __init__(self, topic: str, registry: Registry, clock: Callable[[], float]) -> None:
        self._topic = topic
        self._registry = registry
        self._clock = clock
        avro = Avro(topic, self._schema)
        self._read = avro.line if topic in COPY else avro
        self._denied: dict[int, tuple[float, str]] = {}

    def __call__(self, message: Message) -> Record:
        """Raises RegistryUnavailable and RegistryRefuses, which are not the record's fault."""
        if message.value is None:
            return Record(message, None, Fault("no value", "its value is null"))
        try:
            return Record(message, self._read(message.value))
        except BreaksContract as error:
            return Record(message, None, Fault("unreadable", str(error)))
        except _Denied as error:
            return Record(message, None, Fault("unknown schema", str(error)))

    def _schema(self, schema_id: int) -> Schema:
        until, error = self._denied.get(schema_id, (0.0, ""))
        if self._clock() < until:
            raise _Denied(error)
        try:
            return self._registry.schema(schema_id)
        except UnknownSchema as denied:
            try:
                self._registry.id_of(self._topic)
            except UnknownSchema as empty:
                raise RegistryRefuses(f"{empty}; it denies schema {schema_id}, too") from empty
            self._denied[schema_id] = (self._clock() + _DENIED_FOR_S, str(denied))
            raise _Denied(str(denied)) from denied
