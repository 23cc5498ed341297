"""The power is cut while the gateway stores and delivers, at ten thousand different moments and with different luck."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agent.store import eviction
from agent.store.store import Store
from tests.agent.farm import NOON_US
from tests.clock import FakeClock
from tests.power.cuts import cuts
from tests.power.gateway import AT_ONCE, OpenStore, open_store
from tests.power.mutants import CursorsInPlace
from tests.power.operations import Marker
from tests.power.promises import Broken, Promises
from tests.power.recording import record
from tests.power.stage import lay_out, needs_strace, ram_folder

STATES = 10_000
KEPT = 5
SCRIPT = "from tests.power.mutants import main; main()"

pytestmark = [needs_strace, pytest.mark.timeout(600)]


@dataclass
class Survey:
    """How many different disks were looked at, and what was wrong with some."""

    disks: set[int] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)


async def survey(mistake: str, open_after: OpenStore, keep: Path, rounds: int, most_broken: int = KEPT) -> Survey:
    """Record the gateway with this mistake, and start it (by `open_after`) on disks that a cut could leave, until
    promises were broken on `most_broken` of them; `keep` gets the files of the first KEPT.
    """
    found, promises, heard = Survey(), Promises(), 0
    with ram_folder() as folder:
        operations = record(folder, SCRIPT, mistake)
        for cut in cuts(operations, Random(1), rounds):
            promises.hear(one.said for one in operations[heard : cut.after] if isinstance(one, Marker))
            heard = cut.after
            found.disks.add(cut.fingerprint)
            lay_out(cut.state, folder)
            try:
                await promises.keep(folder, open_after, clock_after(trusted=len(found.disks) % 2 == 0))
            except Broken as broken:
                if len(found.broken) < KEPT:
                    lay_out(cut.state, folder)
                    shutil.copytree(folder, keep / f"cut-{len(found.broken)}")
                found.broken.append(f"cut after operation {cut.after}: {broken}")
                if len(found.broken) == most_broken:
                    break
    return found


def clock_after(trusted: bool) -> FakeClock:
    """The machine has started again a day after the recording began; without time server it thinks no time has gone."""
    clock = FakeClock(NOON_US + (86_400_000_000 if trusted else 0), 20.0, trusted)
    clock.boots = 9
    return clock


@pytest.fixture(autouse=True)
def like_the_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Except for the store's thread, which takes a third of the time and changes nothing on the disk."""

    async def call(store: Store, work: Callable[..., Any], *arguments: Any) -> Any:
        return work(*arguments)

    monkeypatch.setattr(Store, "_call", call)
    monkeypatch.setattr(eviction, "AT_ONCE", AT_ONCE)


async def test_a_power_cut_breaks_no_promise(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    found = await survey("none", open_store, tmp_path, rounds=11)
    record_property("disks", len(found.disks))
    assert found.broken == []
    assert len(found.disks) >= STATES


async def test_commits_that_do_not_wait_for_the_disk_lose_readings_and_give_numbers_twice(tmp_path: Path) -> None:
    found = await survey("hasty", open_store, tmp_path, rounds=1, most_broken=200)
    assert any("lost are the readings" in broken for broken in found.broken)
    assert any("now is" in broken for broken in found.broken)


async def test_a_state_file_written_in_place_keeps_the_gateway_from_starting(tmp_path: Path) -> None:
    found = await survey("cursors in place", CursorsInPlace, tmp_path, rounds=1)
    assert any("does not start" in broken for broken in found.broken)
