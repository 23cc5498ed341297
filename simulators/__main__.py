"""`aqua-gateway simulate FARM.toml`: run a simulated farm until it is interrupted."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from simulators.farm import Farm, FarmError, load
from simulators.lines import TcpLine
from simulators.lines.tcp_line import HOST
from simulators.twins.ds18b20 import Ds18b20Twin
from simulators.twins.modbus import ModbusTwin
from simulators.twins.sdi12 import Sdi12Twin


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 ended by a signal, 1 a port or link is taken, 2 the farm file cannot be used."""
    parser = argparse.ArgumentParser(prog="aqua-gateway simulate", description=__doc__)
    parser.add_argument("farm", type=Path, metavar="FARM.toml")
    path: Path = parser.parse_args(argv).farm
    try:
        asyncio.run(_run(path))
    except FarmError as error:
        print(error, file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        print(f"{path}: the broker needs {error.name}: pip install aquacontrol-gateway[simulate]", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 1
    return 0


async def _run(path: Path) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with Farm(load(path)) as farm:
        print("\n".join(_served(farm)), flush=True)
        await ended.wait()


def _served(farm: Farm) -> Iterator[str]:
    yield f"Simulated farm: {len(farm.file.ponds)} ponds at {farm.clock.speed:g} times the speed of time"
    for name in farm.file.lines:
        line = farm.line(name)
        if isinstance(line, TcpLine):
            protocol = "Modbus RTU over TCP" if line.framing == "rtu" else "Modbus TCP"
            yield f"  {name}: {HOST}:{line.port}, {protocol}"
        else:
            yield f"  {name}: {line.link}"
        for twin in line.twins:
            unit = f"unit {twin.unit}" if isinstance(twin, ModbusTwin | Sdi12Twin | Ds18b20Twin) else "text"
            yield f"    {twin.name}: {twin.model}, {unit}"
    if farm.broker:
        own = "" if farm.broker.serving else " (another broker serves there already)"
        yield f"  MQTT broker: {HOST}:{farm.broker.port}{own}"
    if farm.ingest:
        yield f"  ingest endpoint: {farm.ingest.url}"


if __name__ == "__main__":
    sys.exit(main())
