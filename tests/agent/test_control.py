"""Asking a running gateway: whoever asks gets answers or a reason, and nothing that is asked ends the gateway."""

import asyncio
import json
import shutil
import socket
import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from agent.control import Answer, Control, NotRunning, ask
from agent.domain.errors import AquaError


async def _echo(details: Mapping[str, Any]) -> AsyncIterator[Any]:
    for number in range(3):
        yield {**details, "number": number}


async def _refuse(details: Mapping[str, Any]) -> AsyncIterator[Any]:
    yield "something"
    raise AquaError("do-1 is on no bus")


async def _bug(details: Mapping[str, Any]) -> AsyncIterator[Any]:
    yield details["of the bug"]


class Endless:
    """Answers for ever; `ended` is set when nobody listens any more."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    async def __call__(self, details: Mapping[str, Any]) -> AsyncIterator[Any]:
        try:
            yield "first"
            await asyncio.Event().wait()
        finally:
            self.ended.set()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Longer than the address of a socket may be."""
    return tmp_path / ("a" * 100) / "gateway.sock"


@asynccontextmanager
async def gateway(path: Path, **answers: Answer) -> AsyncIterator[None]:
    task = asyncio.create_task(Control(path, {"echo": _echo, "refuse": _refuse, "bug": _bug, **answers}).run())
    while not path.exists():
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def asked(path: Path, question: str, **details: Any) -> list[Any]:
    return await asyncio.to_thread(lambda: list(ask(path, question, **details)))


def raw(path: Path, question: bytes) -> Any:
    """The first line that comes back."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(f"/proc/self/cwd/{path}" if len(str(path)) > 100 else str(path))
        connection.sendall(question)
        return json.loads(connection.makefile().readline() or "null")


async def test_answers_come_in_order_and_then_the_end(path: Path) -> None:
    async with gateway(path):
        assert await asked(path, "echo", probe="do-1 µ") == [{"probe": "do-1 µ", "number": n} for n in range(3)]
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert not path.exists()


async def test_a_refusal_comes_in_the_gateways_words_after_what_came_before(path: Path) -> None:
    async with gateway(path):
        answers = ask(path, "refuse")
        assert await asyncio.to_thread(next, answers) == "something"
        with pytest.raises(AquaError, match="do-1 is on no bus"):
            await asyncio.to_thread(next, answers)


async def test_a_bug_in_an_answer_is_logged_and_the_next_question_is_answered(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with gateway(path):
        with pytest.raises(AquaError, match="its log says why"):
            await asked(path, "bug")
        assert "KeyError: 'of the bug'" in caplog.text
        assert len(await asked(path, "echo")) == 3


async def test_what_is_no_question_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "g.sock"
    async with gateway(path):
        with pytest.raises(AquaError, match="cannot answer 'alarms ack'"):
            await asked(path, "alarms ack")
        for wrong in (b"\n", b"[" * 60_000 + b"\n", b'{"ask": 3}\n', b"\xff\n", b"x" * 200_000):
            with suppress(ConnectionError):
                assert "one line of JSON" in (await asyncio.to_thread(raw, path, wrong))["error"]
        assert len(await asked(path, "echo")) == 3


async def test_an_answer_ends_when_nobody_listens_any_more(path: Path) -> None:
    endless = Endless()
    async with gateway(path, endless=endless):
        answers = ask(path, "endless")
        assert await asyncio.to_thread(next, answers) == "first"
        answers.close()
        async with asyncio.timeout(10):
            await endless.ended.wait()


async def test_the_ninth_command_is_told_to_wait(path: Path) -> None:
    async with gateway(path, endless=Endless()):
        open_ones = [ask(path, "endless") for _ in range(8)]
        for answers in open_ones:
            assert await asyncio.to_thread(next, answers) == "first"
        with pytest.raises(AquaError, match="8 commands ask this gateway already"):
            await asked(path, "echo")
        for answers in open_ones:
            answers.close()


async def test_a_gateway_that_ends_meanwhile_is_told_from_one_that_has_answered(path: Path) -> None:
    async with gateway(path, endless=Endless()):
        answers = ask(path, "endless")
        assert await asyncio.to_thread(next, answers) == "first"
    with pytest.raises(AquaError, match="ended before it had answered"):
        await asyncio.to_thread(next, answers)


async def test_without_a_gateway_there_is_nobody_to_ask_even_if_it_left_its_socket(path: Path) -> None:
    path.parent.mkdir()
    with pytest.raises(NotRunning):
        await asked(path, "echo")
    left = socket.socket(socket.AF_UNIX)
    folder = path.parent.parent / "link"
    folder.symlink_to(path.parent)
    left.bind(str(folder / path.name))
    left.close()
    with pytest.raises(NotRunning):
        await asked(path, "echo")
    async with gateway(path):
        assert len(await asked(path, "echo")) == 3


async def test_a_folder_that_cannot_be_written_keeps_no_gateway_from_running(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    await Control(in_the_way / "gateway.sock", {}).run()
    assert "no command can ask this gateway" in caplog.text


async def test_a_folder_that_vanishes_does_not_fail_the_gateway_when_it_stops(path: Path) -> None:
    async with gateway(path):
        shutil.rmtree(path.parent)
        path.parent.write_text("in the way")
