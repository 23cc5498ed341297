"""What the running gateway answers to `metrics` and `status`."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from agent.control import Answer


def metrics_answers(look: Callable[[], Awaitable[Mapping[str, Any]]]) -> Mapping[str, Answer]:
    async def metrics(details: Mapping[str, Any]) -> AsyncIterator[Any]:
        yield await look()

    return {"metrics": metrics}
