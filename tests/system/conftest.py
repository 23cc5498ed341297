"""A stage for every system test; what stood on it is gone afterwards, and its logs are shown when the test fails."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.system.stage import Stage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as closing:
        yield Stage(tmp_path, closing)
