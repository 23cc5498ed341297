"""A farm's own program gets the alarm, whatever it does with it."""

import asyncio
import json
from pathlib import Path

import pytest

from agent.notify import Hook, HookSettings, NotNow, Refused
from tests.agent.farm import change


def hook(script: str, timeout_s: float = 10.0) -> Hook:
    return Hook(HookSettings(("/bin/sh", "-c", script), timeout_s), "gw")


async def test_it_gets_the_alarm_on_standard_input_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/secret")
    await hook(f"cat > {tmp_path}/told; env > {tmp_path}/env").send([change(7)])
    told = json.loads((tmp_path / "told").read_text())
    assert (told["gateway"], told["seq"], told["event"], told["state"]) == ("gw", 7, "raised", "unacknowledged")
    assert "CREDENTIALS_DIRECTORY" not in (tmp_path / "env").read_text()


async def test_it_may_leave_the_alarm_unread() -> None:
    await hook("exit 0").send([change(7)])


@pytest.mark.parametrize(
    ("script", "then", "says"),
    [("exit 75", NotNow, "called again later"), ("exit 3", Refused, "exit status 3"), ("kill -9 $$", Refused, "-9")],
)
async def test_how_it_ends_says_what_follows(script: str, then: type[Exception], says: str) -> None:
    with pytest.raises(then, match=says):
        await hook(script).send([change(7)])


async def test_a_program_that_is_not_there_is_tried_again() -> None:
    with pytest.raises(NotNow, match="/nowhere/siren cannot be started: No such file"):
        await Hook(HookSettings(("/nowhere/siren",)), "gw").send([change(7)])


async def test_one_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"took longer than 0\.5 s"):
        await hook(f"sleep 300 & echo $! > {tmp_path}/child; wait", 0.5).send([change(7)])
    child = int((tmp_path / "child").read_text())
    async with asyncio.timeout(10):
        while alive(child):
            await asyncio.sleep(0.01)


def alive(process: int) -> bool:
    """A killed one that nobody has waited for yet is a zombie, which is as dead."""
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False
