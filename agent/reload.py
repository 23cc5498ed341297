"""A changed configuration for the running gateway (SIGHUP, `systemctl reload`).

The new gateway is built first; only then is the old one stopped, cleanly, and the new one goes on in the same process
with the same ring buffer, from whose log it knows how each alarm stands. What cannot be loaded or built changes
nothing.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

from agent.app import App
from agent.config import Gateway
from agent.domain.errors import AquaError
from agent.watchdog import Supervisor

log = logging.getLogger(__name__)


class Reloading:
    """Runs the App of `gateway`, and after each `reload` that of what `load` then returns, until `stop`."""

    def __init__(
        self, gateway: Gateway, load: Callable[[], Gateway], make: Callable[[Gateway], App], supervisor: Supervisor
    ) -> None:
        self._load = load
        self._make = make
        self._supervisor = supervisor
        self._state_dir = gateway.state_dir
        self._app = make(gateway)
        self._next: App | None = None
        self._stopped = False
        self._wanted = asyncio.Event()

    def stop(self) -> None:
        self._supervisor.tell("STOPPING=1")
        self._stopped = True
        self._app.stop()

    def reload(self) -> None:
        """Never waits; a reload that is wanted during another one follows it."""
        self._wanted.set()

    async def run(self) -> None:
        """Raises what `App.run` raises."""
        reloading = asyncio.create_task(self._reload_for_ever())
        try:
            await self._app.run()
            while self._next and not self._stopped:
                self._app, self._next = self._next, None
                await self._app.run()
        finally:
            reloading.cancel()

    async def _reload_for_ever(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            self._supervisor.tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
            try:
                self._next = await self._built()
            except AquaError as error:
                log.error("The changed configuration is refused, the gateway goes on as it was: %s", error)
                self._supervisor.tell("READY=1")
            except Exception:
                log.exception("A bug kept the changed configuration from being applied, the gateway goes on as it was")
                self._supervisor.tell("READY=1")
            else:
                log.info("The configuration has changed: the gateway goes on with it")
                if names := _secrets_of_the_start():
                    log.info(
                        "Secrets that systemd gave (%s) are as they were at the start: a changed one takes "
                        "systemctl restart aqua-gateway",
                        ", ".join(names),
                    )
                self._app.stop()  # the next one says READY=1

    async def _built(self) -> App:
        gateway = await asyncio.to_thread(self._load)
        if gateway.state_dir != self._state_dir:
            raise AquaError("state_dir takes a restart to change: systemctl restart aqua-gateway")
        return self._make(gateway)


def _secrets_of_the_start() -> list[str]:
    """The names of systemd's credentials, which it reads when it starts a service and never again."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return sorted(secret.name for secret in Path(folder).glob("*")) if folder else []
