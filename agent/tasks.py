"""Ending tasks for good."""

import asyncio
from collections.abc import Collection, Coroutine
from typing import Any


async def until_one_ends(*parts: Coroutine[Any, Any, None]) -> None:
    """Run them together until one ends, and end the others. Raises what that one raised."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
    finally:
        await cancelled(tasks)
        for task in tasks:
            _ = task.cancelled() or task.exception()  # of two that failed at once one is told


async def cancelled(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel until all have ended: Python 3.11's `wait_for`, which our libraries use, swallows a cancellation that
    comes together with the result it waits for (mended in 3.12).
    """
    running: Collection[asyncio.Task[None]] = tasks
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=0.5)
