"""`python -m tests.bench.outage [READINGS]`: fill a real ring buffer, then drain it through the real forwarder.

Each sink is drained in a process of its own, turn by turn with a bare client that sends the same records, already
built, through the same sink's code. The default is a week of 20 readings a second. Meanwhile 20 new ones a second come.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from cloud_sync.contract.registry import Registry as Client
from cloud_sync.contract.topics import SENSOR_READINGS
from tests.bench.outage.database import database
from tests.bench.outage.fill import SINKS
from tests.services.kafka import Kafka
from tests.services.registry import Registry

WEEK = 7 * 86_400 * 20
_LEAST_RATIO, _MOST_MIB = 0.8, 32


def _python(*words: object) -> list[str]:
    return [sys.executable, "-m", *(str(word) for word in words)]


@contextmanager
def _kafka(folder: Path) -> Iterator[str]:
    """A real broker and a real registry: the address of each."""
    with Kafka(folder / "kafka") as broker, Registry(folder / "registry") as registry:
        broker.create(SENSOR_READINGS, partitions=12)
        with Client(Client.Settings(registry.url)) as client:
            client.register(SENSOR_READINGS)
        yield f"{broker.bootstrap} {registry.url}"


@contextmanager
def _ingest() -> Iterator[str]:
    """The address of an endpoint in another process, which says at its end how many records it took."""
    command = _python("tests.bench.outage.ingest")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None and server.stdout is not None
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}/ingest"
        server.stdin.close()
        print(f"\nThe endpoint took {int(server.stdout.readline()):,} records of both clients")


def _child(*words: object) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(subprocess.run(_python(*words), stdout=subprocess.PIPE, check=True).stdout)
    return answer


def _row(sink: str, seen: dict[str, Any]) -> str:
    cells = [
        sink, f"{seen['forwarder']:,.0f}", f"{seen['bare']:,.0f}", f"{seen['ratio']:.2f}", f"{seen['least_ratio']:.2f}",
        f"{seen['forwarder_us']:.1f} + {seen['helper_us']:.1f}", f"{seen['bare_us']:.1f}",
        f"{seen['bytes_a_reading']:.1f}", f"{seen['peak_mib']:.1f}", f"{seen['delay_median_s']:.1f}",
        f"{seen['delay_most_s']:.1f}", str(seen["out_of_order"]),
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.outage")
    parser.add_argument("readings", nargs="?", type=int, default=WEEK, help="of the outage (default: a week's)")
    parser.add_argument("--sink", action="append", choices=SINKS, help="one of them alone; may be repeated")
    parser.add_argument("--folder", type=Path, default=None, help="for the ring buffer; about 100 bytes a reading")
    options = parser.parse_args()
    sinks = options.sink or SINKS
    with tempfile.TemporaryDirectory(dir=options.folder) as folder, ExitStack() as serving:
        url = serving.enter_context(_ingest())
        places = {"http": url, "http-30ms": f"{url}?wait_ms=30", "archive": f"{folder}/archive"}
        if "timescale" in sinks:
            places["timescale"] = serving.enter_context(database(Path(folder) / "database"))
        if any(sink.startswith("kafka") for sink in sinks):
            places["kafka"] = places["kafka-bare"] = serving.enter_context(_kafka(Path(folder)))
        filled = _child("tests.bench.outage.fill", folder, options.readings)
        print(f"{options.readings:,} readings stored in {filled['seconds']:.0f} s: {filled['mb']:,.0f} MB\n")
        print("| sink | forwarder, readings/s | bare client | ratio | lowest of a turn | forwarder + helper, µs CPU "
              "| bare client, µs CPU | bytes a reading | MiB above idle | live delay, median s | longest s "
              "| out of order |")  # fmt: skip
        print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|", flush=True)
        for place, sink in enumerate(sinks):
            where = places[sink]
            seen = _child("tests.bench.outage.drain", sink, where, folder, filled["boot_s"] + 100_000 * place)
            print(_row(sink, seen), flush=True)
        print(
            "\nhttp answers at once, http-30ms as a cloud may: 30 ms later; timescale is a PostgreSQL on this machine,"
        )
        print("kafka a broker. The bare client of kafka-bare is a plain producer of bytes that were ready before; all")
        print("others send records through the sink's own code.")
        print("\nThe helper packs in a process of its own; where no second processor is idle, the ratio is less.")
        print("The bare client's µs CPU divided by the larger of the forwarder's two is the most that it can be.")
        print(f"Budget: a ratio of at least {_LEAST_RATIO}, at most {_MOST_MIB} MiB above idle, nothing out of order")


if __name__ == "__main__":
    main()
