"""Kafka's protocol without Kafka: librdkafka's mock brokers, which fail when and how a test wants.

They run in threads of this process, in the very library inside the confluent-kafka wheel; its experimental C interface
for them (rdkafka_mock.h) has no counterpart in Python. Good for faults; for what Kafka really does, take Kafka: a mock
stores records, but knows no ACLs, keeps no aborted transaction from a reader and makes no topic on an admin's word.
"""

import ctypes
from collections.abc import Iterator
from ctypes import POINTER, c_char_p, c_int, c_int16, c_int32, c_size_t, c_void_p
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import Self

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException

from tests.services.service import NotInstalled

_FUNCTIONS = {
    "rd_kafka_conf_new": (c_void_p, []),
    "rd_kafka_conf_set": (c_int, [c_void_p, c_char_p, c_char_p, c_char_p, c_size_t]),
    "rd_kafka_new": (c_void_p, [c_int, c_void_p, c_char_p, c_size_t]),
    "rd_kafka_destroy": (None, [c_void_p]),
    "rd_kafka_mock_cluster_new": (c_void_p, [c_void_p, c_int]),
    "rd_kafka_mock_cluster_destroy": (None, [c_void_p]),
    "rd_kafka_mock_cluster_bootstraps": (c_char_p, [c_void_p]),
    "rd_kafka_mock_topic_create": (c_int, [c_void_p, c_char_p, c_int, c_int]),
    "rd_kafka_mock_topic_set_error": (None, [c_void_p, c_char_p, c_int]),
    "rd_kafka_mock_push_request_errors_array": (None, [c_void_p, c_int16, c_size_t, POINTER(c_int)]),
    "rd_kafka_mock_clear_request_errors": (None, [c_void_p, c_int16]),
    "rd_kafka_mock_partition_set_leader": (c_int, [c_void_p, c_char_p, c_int32, c_int32]),
    "rd_kafka_mock_broker_set_down": (c_int, [c_void_p, c_int32]),
    "rd_kafka_mock_broker_set_up": (c_int, [c_void_p, c_int32]),
    "rd_kafka_mock_broker_set_rtt": (c_int, [c_void_p, c_int32, c_int]),
}


class Request(IntEnum):
    """Kinds of requests, by the protocol's API key."""

    PRODUCE = 0
    FETCH = 1
    LIST_OFFSETS = 2
    METADATA = 3
    OFFSET_COMMIT = 8
    OFFSET_FETCH = 9
    FIND_COORDINATOR = 10
    JOIN_GROUP = 11
    HEARTBEAT = 12
    SYNC_GROUP = 14
    INIT_PRODUCER_ID = 22
    ADD_PARTITIONS_TO_TXN = 24
    ADD_OFFSETS_TO_TXN = 25
    END_TXN = 26
    TXN_OFFSET_COMMIT = 28


class MockKafka:
    """`brokers` brokers, numbered from 1, at `bootstrap`. Topics appear when used, with 4 partitions, or by `topic`.

    Error codes are those of confluent_kafka.KafkaError. To be closed, or used as a context manager.
    """

    def __init__(self, brokers: int = 1) -> None:
        self._library = library = _librdkafka()
        said = ctypes.create_string_buffer(512)
        settings = library.rd_kafka_conf_new()
        library.rd_kafka_conf_set(settings, b"log_level", b"0", said, len(said))
        self._handle = library.rd_kafka_new(0, settings, said, len(said))
        if not self._handle:
            raise RuntimeError(f"librdkafka made no handle: {said.value.decode()}")
        self._cluster = library.rd_kafka_mock_cluster_new(self._handle, brokers)
        if not self._cluster:
            library.rd_kafka_destroy(self._handle)
            raise RuntimeError(f"librdkafka made no mock cluster of {brokers} brokers")
        self.bootstrap: str = library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def topic(self, name: str, partitions: int = 3, replicas: int = 1) -> None:
        _check(self._library.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, replicas))

    def topic_error(self, name: str, code: int) -> None:
        """Metadata of the topic say so from now on; KafkaError.NO_ERROR ends it."""
        self._library.rd_kafka_mock_topic_set_error(self._cluster, name.encode(), code)

    def fail(self, request: Request, *codes: int) -> None:
        """The next requests of this kind are answered with these errors, one each; KafkaError.NO_ERROR lets one pass.

        KafkaError._TRANSPORT closes the connection instead of answering.
        """
        errors = (c_int * len(codes))(*codes)
        self._library.rd_kafka_mock_push_request_errors_array(self._cluster, request, len(codes), errors)

    def heal(self, request: Request) -> None:
        """Forget the errors that were not answered yet."""
        self._library.rd_kafka_mock_clear_request_errors(self._cluster, request)

    def leader(self, topic: str, partition: int, broker: int) -> None:
        """The partition moves to that broker; -1: it has no leader."""
        name = topic.encode()
        _check(self._library.rd_kafka_mock_partition_set_leader(self._cluster, name, partition, broker))

    def down(self, broker: int = 1) -> None:
        """It closes its connections and takes no new ones."""
        _check(self._library.rd_kafka_mock_broker_set_down(self._cluster, broker))

    def up(self, broker: int = 1) -> None:
        _check(self._library.rd_kafka_mock_broker_set_up(self._cluster, broker))

    def rtt(self, milliseconds: int, broker: int = 1) -> None:
        """How long an answer takes at least from now on."""
        _check(self._library.rd_kafka_mock_broker_set_rtt(self._cluster, broker, milliseconds))

    def close(self) -> None:
        """Close its clients first: they would look for it for ever."""
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _librdkafka() -> ctypes.CDLL:
    """The library that confluent_kafka itself has loaded."""
    library = ctypes.CDLL(str(next(_candidates(), "")) or _missing())
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def _candidates() -> Iterator[Path]:
    package = Path(confluent_kafka.__file__).parent
    yield from package.with_name("confluent_kafka.libs").glob("librdkafka*.so*")  # Linux
    yield from (package / ".dylibs").glob("librdkafka*.dylib")  # macOS


def _missing() -> str:
    raise NotInstalled("confluent-kafka brings no librdkafka here; install its wheel: pip install confluent-kafka")


def _check(code: int) -> None:
    """Raises KafkaException where the mock refuses."""
    if code != KafkaError.NO_ERROR:
        raise KafkaException(KafkaError(code))
