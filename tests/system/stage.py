"""The stage of a system test: a farm, a broker, a listener and a gateway in one folder, with ports of their own."""

import asyncio
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TypeVar

from simulators.farm import Farm, load
from simulators.ingest import IngestServer
from tests.agent.gateway_file import write_secret
from tests.services.service import free_port
from tests.system.deliveries import Record, archived
from tests.system.farms import ARCHIVE, CLOUD, CRITICAL, FARM, LOW, gateway_toml
from tests.system.listener import Listener
from tests.system.processes import Gateway, Mosquitto, Process

P = TypeVar("P", bound=Process)


class Stage:
    """Whatever is put on it is taken away when `closing` closes; processes then repeat what they had said."""

    def __init__(self, folder: Path, closing: AsyncExitStack) -> None:
        self.folder = folder
        self._closing = closing

    async def farm(self, text: str = FARM) -> Farm:
        """A simulated farm in this process, so that a test can have a hand in it."""
        path = self.folder / "farm.toml"
        path.write_text(text, encoding="utf-8")
        return await self._closing.enter_async_context(Farm(load(path)))

    async def in_alarm(self) -> tuple[Farm, Mosquitto, Listener, Gateway]:
        """The aerator of tank-1 has failed, and the listener has heard of both alarms."""
        farm, broker = await self.farm(), await self.broker()
        listener = await self.listener(broker.port)
        gateway = self.gateway(farm, broker.port)
        gateway.start()
        farm.pond("tank-1").aerating = False
        await listener.hears(LOW, CRITICAL)
        return farm, broker, listener, gateway

    async def broker(self) -> Mosquitto:
        broker = self.process(Mosquitto(self.folder, free_port()))
        await broker.serve()
        return broker

    async def listener(self, port: int) -> Listener:
        listener = Listener(port)
        task = asyncio.create_task(listener.run())
        self._closing.push_async_callback(_cancelled, task)
        await listener.ready()
        return listener

    def gateway(
        self, farm: Farm, broker: int | None = None, *more: str, sinks: str = "", state: Path | None = None
    ) -> Gateway:
        """Not started yet. `broker` is its port, `more` are further tables, `sinks` names archive and cloud or not;
        `state` is another place for the ring buffer.
        """
        write_secret(self.folder / "ingest.secret", "test-key")
        if "archive" in sinks:
            more += (ARCHIVE,)
        if "cloud" in sinks:
            more += (CLOUD.format(url=ingest(farm).url),)
        config = gateway_toml(farm.port("lan"), broker, *more)
        if state is not None:
            config = config.replace('state_dir = "state"', f'state_dir = "{state}"')
        return self.process(Gateway(self.folder, config, state))

    def process(self, process: P) -> P:
        self._closing.callback(_taken_away, process)
        return process

    def archived(self, topic: str = "sensor-readings") -> list[Record]:
        return archived(self.folder / "archive", topic)


def ingest(farm: Farm) -> IngestServer:
    assert farm.ingest is not None
    return farm.ingest


def _taken_away(process: Process) -> None:
    process.clean_up()
    print(f"---- {process.name} said:\n{process.said}")


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
