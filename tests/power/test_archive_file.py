"""The archive after a power cut: what it acknowledged is in its file, once, and it goes on with the file."""

import gzip
import json
import os
from pathlib import Path
from random import Random

from cloud_sync.contract.record import Record
from cloud_sync.uplink.day_file import DayFile, PackedRecords
from tests.power.cuts import cuts
from tests.power.operations import Marker
from tests.power.recording import record
from tests.power.stage import lay_out, needs_strace, ram_folder

BATCH = 50
SCRIPT = "import sys; from tests.power.test_archive_file import work; work(sys.argv[1])"


def batch(first: int) -> list[Record]:
    """A few sectors long, also when packed."""
    noise = Random(first)
    numbers = {
        n: {"sequence": n, "epoch": "1", "noise": noise.randbytes(40).hex()} for n in range(first, first + BATCH)
    }
    bodies = {n: {"sensor_id": "11", "time": f"noon {n}", "metadata": metadata} for n, metadata in numbers.items()}
    return [Record(n, "sensor-readings", "11", n, body) for n, body in bodies.items()]


def day_file(folder: Path) -> DayFile:
    return DayFile(folder / "2026-11-23.jsonl.gz", level=6)


def work(folder: str) -> None:
    """Sixty batches, every seventh of them after a restart, every fifth sent twice."""
    file = day_file(Path(folder))
    for turn in range(60):
        if turn % 7 == 6:
            file = day_file(Path(folder))
        for _ in range(2 if turn % 5 == 4 else 1):
            file.append(PackedRecords.of(batch(turn * BATCH + 1), 6))
        os.write(1, str((turn + 1) * BATCH).encode())


@needs_strace
def test_what_the_archive_acknowledged_is_in_its_file_once() -> None:
    states, acknowledged, heard = 0, 0, 0
    with ram_folder() as folder:
        operations = record(folder, SCRIPT)
        for cut in cuts(operations, Random(1), rounds=6):
            for operation in operations[heard : cut.after]:
                acknowledged = int(operation.said) if isinstance(operation, Marker) else acknowledged
            heard = cut.after
            lay_out(cut.state, folder)
            day_file(folder).append(PackedRecords.of(batch(acknowledged + 1), 6))
            states += 1
            with gzip.open(folder / "2026-11-23.jsonl.gz") as lines:
                found = [json.loads(line)["metadata"]["sequence"] for line in lines]
            assert found == list(range(1, acknowledged + BATCH + 1)), f"after {operations[max(0, heard - 5) : heard]}"
    assert states > 500
