"""Ending tasks for good."""

import asyncio
from collections.abc import Collection


async def cancelled(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel until all have ended: Python 3.11's `wait_for`, which our libraries use, swallows a cancellation that
    comes together with the result it waits for (mended in 3.12).
    """
    running: Collection[asyncio.Task[None]] = tasks
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=0.5)
