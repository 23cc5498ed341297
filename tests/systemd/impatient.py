"""The gateway with the watchdog's patience cut to seconds, and with a bus, a loop and a store that hang when a file
says so.

    python impatient.py run gateway.toml

Not part of the gateway: the tests of its watchdog put this in its place, for nobody waits minutes for a test, and no
hardware hangs a task on request.
"""

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

from agent import watchdog

PATIENCE_S = 5.0
HANG = Path("/run/farm/hang")
"""Holds `bus`, `loop` or `store`, or is not there."""

for name in ("BUS_WITHIN_S", "STORE_WITHIN_S"):
    assert hasattr(watchdog, name)
    setattr(watchdog, name, PATIENCE_S)

from agent.__main__ import main  # noqa: E402 - it takes these when it is imported
from agent.store.writer import Writer  # noqa: E402
from drivers.bus.modbus import ModbusLine  # noqa: E402
from drivers.interfaces import Space  # noqa: E402

_read, _write = ModbusLine.read, Writer.write


def hangs(what: str) -> bool:
    try:
        return HANG.read_text() == what
    except FileNotFoundError:
        return False


async def _read_or_hang(self: ModbusLine, unit: int, space: Space, address: int, count: int) -> tuple[int, ...]:
    if hangs("bus"):
        await asyncio.Event().wait()
    if hangs("loop"):
        time.sleep(3600)  # noqa: ASYNC251 - that is the fault
    return await _read(self, unit, space, address, count)


def _write_or_hang(self: Writer, *what: Any) -> None:
    if hangs("store"):
        time.sleep(3600)
    _write(self, *what)


ModbusLine.read = _read_or_hang  # type: ignore[method-assign]
Writer.write = _write_or_hang  # type: ignore[method-assign,assignment]

if __name__ == "__main__":
    sys.exit(main())
