"""One librdkafka producer: bounded, idempotent, and silent but for what it is asked."""

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Event, Lock
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from agent.domain.errors import SinkMisconfigured, SinkUnavailable
from cloud_sync.uplink.breaker import Failure
from cloud_sync.uplink.kafka_errors import failure_of

log = logging.getLogger(__name__)

Headers = list[tuple[str, str | bytes | None]]

_LOOK_S = 0.1
_FIRST_QUESTION_S = 0.5
_FIRST_GUESS = 0.15  # bytes on the line for one of a value, until librdkafka has counted some


class Packed(NamedTuple):
    """One record, ready for the line."""

    value: bytes
    key: str
    headers: Headers


class Writer:
    """All calls block, so they belong into a thread; only `abandon` may be called during another one.

    `hide` takes secrets out of a text. What was being written when something failed is unknown to the next writer.
    """

    def __init__(self, settings: Mapping[str, Any], where: str, timeout_s: float, hide: Callable[[str], str]) -> None:
        """Raises SinkMisconfigured for settings that librdkafka refuses, such as a file that is not there."""
        self._where = where
        self._timeout_s = timeout_s
        self._hide = hide
        self._abandoned = Event()
        self._in_use = Lock()
        self._told: KafkaError | None = None
        self._line = _Line()
        callbacks = {"error_cb": self._hear, "stats_cb": self._line.count, "logger": _Quiet(hide)}
        try:
            self._producer = Producer({**settings, **callbacks})
        except (KafkaException, ValueError, TypeError) as error:
            raise SinkMisconfigured(f"{where}: {hide(_words(error))}") from None

    def reach(self) -> None:
        """Return when the brokers know us. Raises SinkUnavailable or SinkMisconfigured."""
        deadline, patience_s = time.monotonic() + self._timeout_s, _FIRST_QUESTION_S
        with self._in_use:
            while not self._abandoned.is_set():
                try:
                    self._producer.list_topics(timeout=min(patience_s, max(0.01, deadline - time.monotonic())))
                except KafkaException as error:
                    self._producer.poll(0)  # it says why
                    self._raise_what_needs_a_person()
                    if time.monotonic() >= deadline:
                        raise SinkUnavailable(f"{self._where}: {self._why(error.args[0])}") from None
                    patience_s *= 2  # a long way takes longer than the first question was given
                else:
                    return
        raise SinkUnavailable(f"{self._where}: given up")

    def write(self, topic: str, batch: Sequence[Packed]) -> tuple[dict[int, KafkaError], int]:
        """Return when each of them is at the brokers or has its error: those, by its place, and about how many bytes
        went out. Raises SinkMisconfigured for what concerns the connection.
        """
        with self._in_use:
            self._told = None
            reports: list[tuple[bytes | None, KafkaError]] = []
            errors = self._produce(topic, batch, reports)
            self._wait()
            if reports:
                places = {packed.value: place for place, packed in enumerate(batch)}  # a value holds its own number
                errors |= {places[value]: self._named(error) for value, error in reports if value is not None}
            if errors:
                self._raise_what_needs_a_person()
            return errors, self._line.cost(sum(len(packed.value) for packed in batch))

    def abandon(self) -> None:
        """Let what is being done come to its end soon."""
        self._abandoned.set()

    def close(self) -> None:
        """Forget what was not delivered. To be called once."""
        self.abandon()
        with self._in_use:
            self._producer.purge()
            self._unreported(1.0)  # which a fatal error does not hold up
            del self._producer

    def _produce(
        self, topic: str, batch: Sequence[Packed], reports: list[tuple[bytes | None, KafkaError]]
    ) -> dict[int, KafkaError]:
        def report(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                reports.append((message.value(), error))

        produce, errors = self._producer.produce, {}
        for place, (value, key, headers) in enumerate(batch):
            try:
                # Names take a quarter of the time: partition (any), callback by both of its names, time (now).
                produce(topic, value, key, -1, report, report, 0, headers)
            except KafkaException as error:
                errors[place] = error.args[0]
            except BufferError:
                errors[place] = KafkaError(KafkaError._QUEUE_FULL)
        return errors

    def _wait(self) -> None:
        """Until nothing is without its report: what takes too long is taken back, which is reported, too."""
        deadline = time.monotonic() + self._timeout_s
        while self._unreported(min(_LOOK_S, max(0.0, deadline - time.monotonic()))):
            if self._is_hopeless or self._abandoned.is_set() or time.monotonic() >= deadline:
                self._producer.purge()
                if self._unreported(self._timeout_s):
                    raise SinkUnavailable(f"{self._where}: the client library does not end what was taken back")
                return

    def _unreported(self, within_s: float) -> int:
        """How many are still without their report."""
        try:
            return self._producer.flush(within_s)
        except KafkaException as error:  # this producer is done for
            self._hear(error.args[0])
            return len(self._producer)

    @property
    def _is_hopeless(self) -> bool:
        return self._told is not None and (self._told.fatal() or failure_of(self._told) is Failure.NEEDS_A_PERSON)

    def _hear(self, error: KafkaError) -> None:
        if not self._is_hopeless:
            self._told = error

    def _raise_what_needs_a_person(self) -> None:
        told = self._told
        if told is not None and failure_of(told) is Failure.NEEDS_A_PERSON:
            hint = " (is the clock right, and ca_file the brokers'?)" if told.code() == KafkaError._SSL else ""
            raise SinkMisconfigured(f"{self._where}: {self._hide(told.str())}{hint}")

    def _why(self, error: KafkaError) -> str:
        """The error, or what was told before and explains it."""
        return self._hide((self._told or error).str())

    def _named(self, error: KafkaError) -> KafkaError:
        """An error that says more than that the time was over."""
        if error.code() not in (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT, KafkaError._MSG_TIMED_OUT):
            return error
        because = f": {self._hide(self._told.str())}" if self._told is not None else ""
        return KafkaError(error.code(), f"no report within {self._timeout_s:g} s{because}")


class _Line:
    """What goes over the line, as librdkafka counts it every now and then, shared out by the sizes of values."""

    def __init__(self) -> None:
        self._packed = self._packed_then = self._sent_then = 0
        self._a_byte = _FIRST_GUESS

    def cost(self, packed: int) -> int:
        """About how many bytes those of values took."""
        self._packed += packed
        return round(packed * self._a_byte)

    def count(self, statistics: str) -> None:
        sent = int(json.loads(statistics)["tx_bytes"])
        if self._packed > self._packed_then:
            self._a_byte = (sent - self._sent_then) / (self._packed - self._packed_then)
            self._packed_then, self._sent_then = self._packed, sent


class _Quiet:
    """Fits what librdkafka wants of a logger. Each failed connection is told there; who waits hears it as an error."""

    def __init__(self, hide: Callable[[str], str]) -> None:
        self._hide = hide

    def log(self, level: int, form: str, *arguments: object) -> None:
        log.debug("%s", self._hide(form % arguments))


def _words(error: Exception) -> str:
    first = error.args[0] if error.args else error
    return first.str() if isinstance(first, KafkaError) else str(first)
