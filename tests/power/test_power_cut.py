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
MOST_BROKEN = 5
SCRIPT = "from tests.power.mutants import main; main()"

pytestmark = [needs_strace, pytest.mark.timeout(600)]


@dataclass
class Survey:
    """How many different disks were looked at, and what was wrong with some."""

    disks: set[int] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)


async def survey(mistake: str, open_after: OpenStore, keep: Path, rounds: int) -> Survey:
    """Record the gateway with this mistake, and start it (by `open_after`) on every disk that a cut could leave, until
    MOST_BROKEN did not keep its promises; `keep` gets the files of those.
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
                lay_out(cut.state, folder)
                shutil.copytree(folder, keep / f"cut-{len(found.broken)}")
                found.broken.append(f"cut after operation {cut.after}: {broken}")
                if len(found.broken) == MOST_BROKEN:
                    break
    return found


def clock_after(trusted: bool) -> FakeClock:
    """The machine has started again a day after the recording began; without time server it thinks no time has gone."""
    clock = FakeClock(NOON_US + (86_400_000_000 if trusted else 0), 20.0, trusted)
    clock.boots = 9
    return clock


@pytest.fixture(autouse=True)
def like_the_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """But without the store's thread, which takes a third of the time and changes nothing on the disk."""

    async def call(store: Store, work: Callable[..., Any], *arguments: Any) -> Any:
        return work(*arguments)

    monkeypatch.setattr(Store, "_call", call)
    monkeypatch.setattr(eviction, "AT_ONCE", AT_ONCE)


async def test_a_power_cut_breaks_no_promise(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    found = await survey("none", open_store, tmp_path, rounds=8)
    record_property("disks", len(found.disks))
    assert not found.broken
    assert len(found.disks) >= STATES


@pytest.mark.parametrize(("mistake", "open_after"), [("hasty", open_store), ("cursors in place", CursorsInPlace)])
async def test_a_mistake_would_be_seen(mistake: str, open_after: OpenStore, tmp_path: Path) -> None:
    assert (await survey(mistake, open_after, tmp_path, rounds=2)).broken
