"""Asking a running gateway: the socket `gateway.sock` in its runtime folder, for commands on the same machine.

A connection carries one question, a line of JSON such as {"ask": "probe read", "probe": "do-1"}. Then come answers,
each a line {"answer": …}, and last either {"end": true} or {"error": "why there is none"}. Whoever may write to the
socket may ask: the gateway's user and group (mode 0660).

To add a question: an `Answer` in the dict that `agent.app` gives to `Control`, and `ask` in the command.
"""

import asyncio
import json
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from agent.domain.errors import AquaError

log = logging.getLogger(__name__)

Answer = Callable[[Mapping[str, Any]], AsyncIterator[Any]]
"""Given the question's details, yields JSON-ready answers; raises AquaError to refuse."""

_MOST_CONNECTIONS: Final = 8
_LONGEST_LINE: Final = 65_536
_QUESTION_WITHIN_S: Final = 5.0
_TAKEN_WITHIN_S: Final = 10.0


class NotRunning(AquaError):
    """No gateway listens there."""


class Control:
    """The gateway's side. A bug in an answer is logged and refuses that question; it ends nothing."""

    def __init__(self, path: Path, answers: Mapping[str, Answer]) -> None:
        self._path = path
        self._answers = answers
        self._talks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Listen until cancelled. Where no socket can be made the gateway runs without one."""
        try:
            listening = bound(self._path)
        except OSError as error:
            log.error("%s cannot be made (%s): no command can ask this gateway", self._path, error.strerror)
            return
        server = await asyncio.start_server(self._connected, sock=listening, limit=_LONGEST_LINE)
        try:
            await asyncio.Event().wait()
        finally:
            server.close()
            with suppress(OSError):  # the folder may be gone; what is left there hurts nobody
                self._path.unlink()
            for talk in self._talks:
                talk.cancel()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.create_task(self._talk(reader, writer))
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its question to the last answer, or until the other side hangs up."""
        try:
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(_QUESTION_WITHIN_S):
                    question = await _line(reader)
                answering = asyncio.create_task(self._answer(question, writer))
                hung_up = asyncio.create_task(reader.read())
                try:
                    await asyncio.wait({answering, hung_up}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    hung_up.cancel()
                    answering.cancel()
                    await asyncio.gather(answering, hung_up, return_exceptions=True)
        finally:
            writer.close()

    async def _answer(self, question: bytes, writer: asyncio.StreamWriter) -> None:
        try:
            name, details = _parsed(question)
            if name not in self._answers:
                raise AquaError(f"this gateway cannot answer {name!r}: is it older than the command? Restart it")
            if len(self._talks) > _MOST_CONNECTIONS:
                raise AquaError(f"{_MOST_CONNECTIONS} commands ask this gateway already: end one of them")
            async for answer in self._answers[name](details):
                await _send(writer, {"answer": answer})
            await _send(writer, {"end": True})
        except AquaError as error:
            await _send(writer, {"error": str(error)})
        except (OSError, TimeoutError):
            log.info("whoever asked %s did not take the answer", question[:80])
        except Exception:
            log.exception("A bug in the answer to %s", question[:80])
            await _send(writer, {"error": "the gateway could not answer that: its log says why"})


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except ValueError:  # longer than a question may be
        return b""


def _parsed(question: bytes) -> tuple[str, Mapping[str, Any]]:
    """Raises AquaError when that is no question."""
    with suppress(ValueError, RecursionError):
        match json.loads(question):
            case {"ask": str(name), **details}:
                return name, {str(key): value for key, value in details.items()}
    raise AquaError('a question is one line of JSON with a key "ask"')


async def _send(writer: asyncio.StreamWriter, line: Mapping[str, Any]) -> None:
    writer.write(json.dumps(line).encode() + b"\n")
    async with asyncio.timeout(_TAKEN_WITHIN_S):
        await writer.drain()


def ask(path: Path, question: str, within_s: float | None = 30.0, **details: Any) -> Generator[Any, None, None]:
    """The running gateway's answers, as they come; each must come in `within_s` (None: however long it takes).

    Raises NotRunning, or AquaError with the reason why there is no answer.
    """
    with _connection(path) as connection, connection.makefile("rwb") as lines:
        connection.settimeout(within_s)
        try:
            lines.write(json.dumps({"ask": question, **details}).encode() + b"\n")
            lines.flush()
            for line in lines:
                told = json.loads(line)
                if "error" in told:
                    raise AquaError(told["error"])
                if "end" in told:
                    return
                yield told["answer"]
        except TimeoutError:
            raise AquaError(f"the gateway behind {path} has not answered within {within_s:g} s") from None
        except (OSError, ValueError):
            pass  # killed, perhaps in the middle of a line
    raise AquaError(f"the gateway behind {path} ended before it had answered")


def bound(path: Path) -> socket.socket:
    """A socket under `path`, not listening yet. One that a killed gateway left is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short(path) as short:
            made.bind(short)
        path.chmod(0o660)  # before anybody can connect: it does not listen yet
    except OSError:
        made.close()
        raise
    return made


@contextmanager
def _connection(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as made:
        try:
            with _short(path) as short:
                made.connect(short)
        except (FileNotFoundError, ConnectionRefusedError):
            raise NotRunning(f"no gateway is running here: nothing listens on {path}") from None
        except PermissionError:
            remedy = "ask as the gateway's user (sudo -u aquacontrol …), or join its group"
            raise AquaError(f"you may not ask the gateway behind {path}: {remedy}") from None
        except OSError as error:
            raise AquaError(f"{path} cannot be asked: {error.strerror}") from error
        yield made


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """The same file under a name that fits into the 108 bytes of a socket's address."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
