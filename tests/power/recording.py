"""Records what a Python script does to the files of one folder, in the order in which it does it."""

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.power.operations import Marker, Operation
from tests.power.strace import CALLS, Listener, data_of

_LINE = re.compile(r"(\d+) +(?:<\.\.\. \w+ resumed>)?(.*)")


def record(folder: Path, script: str, *arguments: str) -> list[Operation]:
    """Run a Python script and tell what it did in `folder`, which is empty at first and the script's first argument.

    Raises NotUnderstood, and AssertionError with what the script complained of if it fails.
    """
    log = folder.with_name(f"{folder.name}.strace")
    command = ["strace", "-f", "-y", "-xx", "-s", "100000000", "-o", str(log), "-e", "signal=none", "-e", "raw=read"]
    command += ["-e", "trace=" + ",".join(f"?{call}" for call in CALLS.split())]
    command += [sys.executable, "-c", script, str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with log.open() as lines:
        operations = operations_within(folder, lines)
    log.unlink()
    return operations


def operations_within(folder: Path, lines: Iterable[str]) -> list[Operation]:
    """The operations in `folder` that the lines of strace tell, each where its call returned; a marker where its call
    began, and a sync covers what had returned when its call began.
    """
    listener, operations = Listener(folder), list[Operation]()
    begun: dict[str, tuple[str, int]] = {}
    for line in lines:
        match = _LINE.match(line)
        assert match, line[:200]
        thread, text = match.groups()
        if text.endswith(" <unfinished ...>"):
            begun[thread] = text.removesuffix(" <unfinished ...>"), len(operations)
            if text.startswith("write(1<"):
                operations.append(Marker(data_of(text).decode()))
            continue
        start, before = begun.pop(thread, ("", len(operations)))
        if not start.startswith("write(1<"):
            operations.extend(listener.call(start + text, before))
    return operations
