"""What Prometheus asks over HTTP: GET /metrics on a loopback port or a UNIX socket. Off unless it is configured.

Only a small part of HTTP/1.1: one request a connection, no body. Whoever is slow, talks nonsense or comes ninth is sent
away; a port that is taken is logged, and the gateway runs without.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from agent.control import bound
from agent.metrics.exposition import CONTENT_TYPE, exposition

log = logging.getLogger(__name__)

_MOST_CONNECTIONS: Final = 8
_LONGEST_HEAD: Final = 16_384
_WITHIN_S: Final = 10.0


class Loopback(NamedTuple):
    """A TCP port of this machine that nobody else can reach."""

    host: str
    port: int


class MetricsListener:
    """Answers at `place` with what `look` sees."""

    def __init__(self, place: Loopback | Path, look: Callable[[], Awaitable[Mapping[str, Any]]]) -> None:
        self._place = place
        self._look = look
        self._open = 0

    async def run(self) -> None:
        """Listen until cancelled."""
        try:
            listening = bound(self._place) if isinstance(self._place, Path) else _port(self._place)
        except OSError as error:
            log.error("Metrics cannot be asked for at %s: %s", self._place, error.strerror)
            return
        server = await asyncio.start_server(self._connected, sock=listening, limit=_LONGEST_HEAD)
        try:
            await asyncio.Event().wait()
        finally:
            server.close()
            if isinstance(self._place, Path):
                with suppress(OSError):
                    self._place.unlink()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            async with asyncio.timeout(_WITHIN_S):
                writer.write(await self._answer(await reader.readuntil(b"\r\n\r\n")))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever asked is gone, or was no Prometheus
        finally:
            self._open -= 1
            writer.close()

    async def _answer(self, head: bytes) -> bytes:
        if self._open > _MOST_CONNECTIONS:
            return _response("503 Service Unavailable", "too many ask at once\n")
        method, path, *_ = [*head.split(b"\r\n", 1)[0].split(b" "), b"", b""]
        if path.split(b"?")[0] != b"/metrics":
            return _response("404 Not Found", "ask for /metrics\n")
        if method != b"GET":
            return _response("405 Method Not Allowed", "ask with GET\n")
        try:
            return _response("200 OK", exposition(await self._look()), CONTENT_TYPE)
        except Exception:  # a bug in a view ends no polling
            log.exception("A bug in the metrics")
            return _response("500 Internal Server Error", "the gateway's log says why\n")


def _response(status: str, text: str, content_type: str = "text/plain; charset=utf-8") -> bytes:
    body = text.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    return head.encode() + b"\r\n" + body


def _port(place: Loopback) -> socket.socket:
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    return socket.create_server(place, family=family)
