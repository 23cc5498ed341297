"""Stores that are closed when a test ends, so that no thread outlives it."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from agent.store.store import Store, StoreSettings
from tests.clock import FakeClock

Opened = Callable[..., Store]


class ClosedOnce(Store):
    """A store whose second closing is harmless."""

    closed = False

    async def close(self) -> None:
        if not self.closed:
            self.closed = True
            await super().close()


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Opened]:
    """Opens stores with the sinks `archive` and `http`, at `path` or the usual place, keeping so many in memory."""
    stores: list[Store] = []

    def open_store(path: Path = tmp_path / "ring-buffer.sqlite", keep_in_memory: int = 100) -> Store:
        settings = StoreSettings(path, 8, keep_in_memory=keep_in_memory)
        stores.append(ClosedOnce(settings, ["archive", "http"], FakeClock()))
        return stores[-1]

    yield open_store
    for store in stores:
        await store.close()
