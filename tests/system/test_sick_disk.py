"""A disk that is full, a database that is rubbish or gone: alarms still go out, the state is told, storing resumes."""

import shutil
from pathlib import Path

import pytest

from simulators.farm import Farm
from tests.system.disks import LimitedDisk
from tests.system.farms import CRITICAL, LOW, NOT_CRITICAL, NOT_LOW
from tests.system.listener import Listener
from tests.system.processes import Gateway
from tests.system.stage import Stage
from tests.system.waiting import until

RUBBISH = b"This was a database once. " * 4000


@pytest.fixture
def disk(tmp_path: Path) -> LimitedDisk:
    """It takes nothing at all: on one that is merely full the ring turns, see test_failing_disk."""
    return LimitedDisk(tmp_path / "disk")


async def alarms_go_out(farm: Farm, listener: Listener) -> None:
    """A failure of the aeration is told."""
    farm.pond("tank-1").aerating = False
    await listener.hears(LOW, CRITICAL)


async def on_stage(stage: Stage, state: Path | None = None) -> tuple[Farm, Listener, Gateway]:
    farm, broker = await stage.farm(), await stage.broker()
    listener = await stage.listener(broker.port)
    return farm, listener, stage.gateway(farm, broker.port, state=state)


async def test_on_a_full_disk_alarms_go_out_and_what_waited_is_stored_later(stage: Stage, disk: LimitedDisk) -> None:
    farm, listener, gateway = await on_stage(stage, disk.path)
    gateway.start()
    await gateway.stores_more()
    before = gateway.stored()
    disk.fill(gateway)
    await until(lambda: "Readings cannot be stored" in gateway.said)
    await alarms_go_out(farm, listener)
    farm.pond("tank-1").aerating = True
    await listener.hears(NOT_CRITICAL, NOT_LOW)
    assert listener.store[-1] == "failing"
    while_full = gateway.stored()
    assert while_full < before + 100  # a second's worth may have been on its way
    disk.free(gateway)
    await until(lambda: "Readings are stored again" in gateway.said)
    await until(lambda: listener.store[-1] == "ok")
    await gateway.stores_more()
    assert gateway.rows("SELECT count(*) FROM gaps") == [(0,)]
    waited = gateway.rows("SELECT count(*) FROM readings WHERE seq > ? AND flag = 1", while_full)[0][0]
    assert waited > 20
    assert [change for (change,) in gateway.rows("SELECT active FROM alarm_log ORDER BY seq")] == [1, 1, 0, 0]


async def test_status_tells_that_the_disk_is_full(stage: Stage, disk: LimitedDisk) -> None:
    farm = await stage.farm()
    gateway = stage.gateway(farm, state=disk.path)
    gateway.start()
    await gateway.stores_more()
    disk.fill(gateway)
    await until(lambda: "Readings cannot be stored" in gateway.said)
    told = await gateway.status_tells(lambda status: status["gateway"]["store"]["trouble"])
    assert str(gateway.database) in told


async def test_rubbish_instead_of_a_database_is_set_aside(stage: Stage) -> None:
    farm, listener, gateway = await on_stage(stage)
    gateway.database.parent.mkdir()
    gateway.database.write_bytes(RUBBISH)
    gateway.start()
    await gateway.stores_more()
    assert listener.store == ["ok"], "there was nothing to salvage"
    (aside,) = gateway.database.parent.glob("ring-buffer.sqlite.damaged-*")
    assert aside.read_bytes() == RUBBISH
    await alarms_go_out(farm, listener)


async def test_a_damaged_ring_buffer_comes_back_while_alarms_go_out(stage: Stage) -> None:
    farm, listener, gateway = await on_stage(stage)
    gateway.start()
    stored = await gateway.stores_more(100)
    assert await gateway.stop() == 0
    for suffix in ("", "-wal"):
        with gateway.database.with_name(gateway.database.name + suffix).open("r+b") as file:
            file.write(RUBBISH[:100])
    gateway.start()
    await alarms_go_out(farm, listener)
    await until(lambda: listener.store == ["ok", "salvaging", "ok"])
    back = gateway.rows("SELECT count(*) FROM readings WHERE seq <= ?", stored)[0][0]
    assert back >= 0.99 * stored
    assert not list(gateway.database.parent.glob("*.damaged-*"))
    assert gateway.rows("SELECT count(*) FROM epochs") == [(2,)]


async def test_a_database_that_turns_to_rubbish_under_a_running_gateway_is_set_aside(stage: Stage) -> None:
    farm, listener, gateway = await on_stage(stage)
    gateway.start()
    await gateway.stores_more()
    for suffix in ("", "-wal"):
        with gateway.database.with_name(gateway.database.name + suffix).open("r+b") as file:
            file.write(RUBBISH)
    await alarms_go_out(farm, listener)
    gateway.kill()
    gateway.start()
    await gateway.stores_more()
    assert list(gateway.database.parent.glob("ring-buffer.sqlite.damaged-*"))


async def test_alarms_go_out_while_the_database_cannot_be_opened(stage: Stage) -> None:
    farm, listener, gateway = await on_stage(stage)
    gateway.database.mkdir(parents=True)
    gateway.start()
    await alarms_go_out(farm, listener)
    status = await gateway.command("status")
    assert str(gateway.database) in status.stdout + status.stderr
    gateway.database.rmdir()
    await gateway.stores_more()
    await until(lambda: gateway.rows("SELECT active FROM alarm_log ORDER BY seq") == [(1,), (1,)])


@pytest.mark.parametrize("instead", ["nothing", "file"])
async def test_alarms_go_out_when_the_state_folder_vanishes(stage: Stage, instead: str) -> None:
    farm, listener, gateway = await on_stage(stage)
    gateway.start()
    await gateway.stores_more()
    shutil.rmtree(gateway.database.parent)
    if instead == "file":
        gateway.database.parent.write_text("in the way")
    await alarms_go_out(farm, listener)
    assert gateway.child.poll() is None
    assert await gateway.stop() == 0
