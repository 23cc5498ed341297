"""`make services`: what the cloud side talks to, really running, for a developer's own gateway and consumers.

All of it listens on 127.0.0.1 alone, at the usual port where that is free. Ctrl-C stops everything, and what was stored
is gone with it. `python -m tests.services kafka registry` starts only these.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.services.kafka import Kafka
from tests.services.mosquitto import Mosquitto
from tests.services.postgres import Postgres
from tests.services.registry import Registry
from tests.services.service import NotInstalled, Service, ServiceFailed, usual_port
from tests.services.timescale import Timescale

SERVICES: dict[str, Callable[[Path], Service]] = {
    "kafka": lambda folder: Kafka(folder, usual_port(9092)),
    "registry": lambda folder: Registry(folder, usual_port(8081)),
    "postgres": lambda folder: Postgres(folder, usual_port(5432)),
    "timescale": lambda folder: Timescale(folder, usual_port(5433)),
    "mosquitto": lambda folder: Mosquitto(folder, usual_port(1883)),
}


def main() -> int:
    """Exit status: 0 interrupted, 1 a service failed."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        with tempfile.TemporaryDirectory(prefix="aquacontrol-") as folder, _running(_wanted(), Path(folder)) as up:
            _show(up)
            while True:
                for service in up:
                    service.check()
                time.sleep(0.5)
    except KeyboardInterrupt:
        print("\nStopped.")
        return 0
    except ServiceFailed as failed:
        print(failed, file=sys.stderr)
        return 1


def _wanted() -> list[str]:
    parser = argparse.ArgumentParser(prog="python -m tests.services", description="Run what the cloud side talks to.")
    parser.add_argument("service", nargs="*", help=f"one of {', '.join(SERVICES)}; all of them when none is named")
    wanted: list[str] = parser.parse_args().service
    for name in wanted:
        if name not in SERVICES:
            parser.error(f"there is no service {name!r}; known are {', '.join(SERVICES)}")
    return wanted or list(SERVICES)


@contextmanager
def _running(wanted: list[str], folder: Path) -> Iterator[list[Service]]:
    """Those that are installed here; what the others need is told."""
    with ExitStack() as closing:
        up: list[Service] = []
        try:
            for name in wanted:
                began = time.monotonic()
                try:
                    service = closing.enter_context(SERVICES[name](folder / name))
                except NotInstalled as missing:
                    print(f"{name} is left out: {missing}", flush=True)
                    continue
                print(f"{service.name} is up after {time.monotonic() - began:.1f} s", flush=True)
                up.append(service)
            yield up
        finally:
            # An impatient second Ctrl-C must not leave processes behind.
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)


def _show(up: list[Service]) -> None:
    names, addresses = (max(map(len, column)) for column in zip(*[(one.name, one.address) for one in up], strict=True))
    print()
    for service in up:
        print(f"{service.name:<{names}}  {service.address:<{addresses}}  {service.log}")
    print("\nCtrl-C stops them all, and forgets what they stored.", flush=True)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
