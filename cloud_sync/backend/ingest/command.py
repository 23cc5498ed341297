"""`aqua-backend ingest`."""

import argparse
import gc
import logging
import signal
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

from cloud_sync.backend.settings import kafka_settings, registry_settings, with_kafka, with_registry
from cloud_sync.contract.rows import TOPICS

log = logging.getLogger(__name__)

_PORT = 9464
_LIVE_WITHIN_S = 60.0
_REGISTRY_S = 3.0  # its answers are waited for in the loop that is to stop within 5 s


def describe(parser: argparse.ArgumentParser) -> None:
    with_kafka(parser)
    with_registry(parser)
    parser.add_argument(
        "--dsn-file", type=Path, metavar="FILE", help="holds the DSN (default: AQUA_DATABASE_DSN_FILE or _DSN)"
    )
    parser.add_argument("--group", default="aqua-ingest", metavar="NAME", help="consumer group (default: aqua-ingest)")
    parser.add_argument(
        "--topic", action="append", choices=TOPICS, dest="topics", help="only this one, and others so named"
    )
    parser.add_argument(
        "--instance", metavar="NAME", help="of this one among several: it gets its partitions back after a restart"
    )
    parser.add_argument("--batch-records", type=_positive, default=5000, metavar="N", help="default: 5000")
    parser.add_argument("--batch-mib", type=_positive, default=8, metavar="N", help="default: 8")
    parser.add_argument("--batch-age-s", type=float, default=0.5, metavar="S", help="default: 0.5")
    parser.add_argument(
        "--refresh-s", type=float, default=60.0, metavar="S", help="add up late readings so often (default: 60)"
    )
    parser.add_argument(
        "--port", type=int, default=_PORT, help=f"of /metrics, /ready and /live on 127.0.0.1 (default: {_PORT})"
    )
    parser.add_argument("--log-level", default="INFO", choices=["DEBUG", "INFO", "WARNING", "ERROR"])
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    """Until SIGTERM or SIGINT; 1 when it ended by itself."""
    from cloud_sync.backend.database.connection import dsn
    from cloud_sync.backend.ingest.backoff import Backoff
    from cloud_sync.backend.ingest.decoder import Decoder
    from cloud_sync.backend.ingest.lane import Lane, Limits
    from cloud_sync.backend.ingest.late import keep_adding_up
    from cloud_sync.backend.ingest.letters import DeadLetters
    from cloud_sync.backend.ingest.listener import HOST, Listener
    from cloud_sync.backend.ingest.loop import Ingest
    from cloud_sync.backend.ingest.metrics import Metrics
    from cloud_sync.backend.ingest.offsets import Offsets
    from cloud_sync.backend.ingest.outlet import Outlet
    from cloud_sync.backend.ingest.source import Source
    from cloud_sync.backend.ingest.writer import Writer
    from cloud_sync.contract.registry import Registry

    logging.basicConfig(level=options.log_level, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    kafka, address = kafka_settings(options), dsn(options.dsn_file)
    topics = options.topics or TOPICS
    limits = Limits(options.batch_records, options.batch_mib << 20, options.batch_age_s)
    _make_haste()
    clock, stop, told_to_stop, metrics = time.monotonic, Event(), Event(), Metrics()

    def hear(*_: object) -> None:
        told_to_stop.set()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, hear)

    def late() -> None:
        try:
            keep_adding_up(address, options.refresh_s, stop, _utc, metrics)
        finally:
            stop.set()  # whatever ends it ends the process

    with Registry(replace(registry_settings(options), timeout_s=_REGISTRY_S)) as registry:
        outlet = Outlet(kafka, registry)
        letters = DeadLetters(outlet, options.group, _utc)
        writer = Writer(address, Offsets(options.group), letters, outlet, _utc)
        lanes = {topic: Lane(topic, Decoder(topic, registry, clock), limits, clock, Backoff(clock)) for topic in topics}
        ingest = Ingest(
            lambda lost: Source(kafka, options.group, topics, lost, options.instance),
            lanes, writer, metrics, lambda: Backoff(clock), clock,
        )  # fmt: skip
        listener = Listener(
            options.port, metrics.registry, lambda: ingest.ready, lambda: clock() - ingest.turned_s < _LIVE_WITHIN_S
        )
        log.info("http://%s:%d has /metrics, /ready and /live", HOST, listener.port)
        Thread(target=late, name="late", daemon=True).start()
        try:
            ingest.run(stop)
        finally:
            stop.set()
            listener.close()
    return 0 if told_to_stop.is_set() else 1


def _make_haste() -> None:
    """Decoding and the database's thread take turns ten times a batch, and there are no cycles to be searched for."""
    sys.setswitchinterval(0.0005)
    gc.set_threshold(50_000)


def _utc() -> datetime:
    return datetime.now(UTC)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number
