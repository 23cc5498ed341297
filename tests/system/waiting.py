"""Waiting for something to become true, with a generous deadline: a noisy machine is slow, not wrong."""

import asyncio
import socket
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def until(look: Callable[[], T], within_s: float = 60.0, what: str = "") -> T:
    """The first true answer of `look`. AssertionError with the last answer when there is none in time."""
    deadline = time.monotonic() + within_s
    while not (seen := look()):
        assert time.monotonic() < deadline, f"{what or 'this'} did not happen within {within_s:g} s; seen last: {seen}"
        await asyncio.sleep(0.03)
    return seen


def answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
