"""A way out of alarms that keeps failing is an alarm itself, for those who are told in another way."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from agent.config.equipment import equipment_alarms
from agent.domain.alarm import AlarmChange, AlarmKind, Event, Priority
from agent.equipment.parts import parts
from agent.equipment.watch import EquipmentWatch
from agent.notify import Follower, Hook, HookSettings, Mail, MailSettings, Wanted
from agent.notify.follower import Way
from agent.pipeline import Pipeline
from agent.store.store import Store, StoreSettings
from tests.agent.farm import change
from tests.agent.notify.mailbox import Mailbox
from tests.clock import FakeClock
from tests.services.service import free_port


class House:
    """A gateway with nothing but one way out; `told` is what everybody hears of that way."""

    def __init__(self, way: Way, folder: Path) -> None:
        self.told: list[AlarmChange] = []
        self.clock = FakeClock()
        wanted = Wanted(list(Priority), [], [Event.RAISED, Event.CLEARED])
        self.follower = Follower("siren", way, wanted, folder / "siren.sent", self.clock)
        pipeline = Pipeline({}, equipment_alarms([], [], ["siren"]), lambda readings, changes: None, self._tell)
        store = Store(StoreSettings(folder / "ring-buffer.sqlite"), [], self.clock)
        self._watch = EquipmentWatch(
            parts([], [], [self.follower], store, lambda: None, self.clock), pipeline.follow, self.clock
        )

    def _tell(self, changes: Sequence[AlarmChange]) -> None:
        self.told += [change for change in changes if change.alarm.kind is AlarmKind.NOTIFY_SILENT]
        self.follower.tell(changes)

    async def goes_on_until(self, done: Callable[[], bool]) -> None:
        running = asyncio.ensure_future(self.follower.run())
        try:
            async with asyncio.timeout(60):
                while not done():
                    self._watch.look()
                    self.clock.advance(1.0)
                    await asyncio.sleep(0.01)
        finally:
            running.cancel()

    @property
    def events(self) -> list[Event]:
        return [change.event for change in self.told]


@pytest.mark.parametrize(
    ("status", "because"), [(75, "wants to be called again later"), (1, "failed with exit status 1")]
)
async def test_a_program_that_keeps_failing_is_told_until_it_works(tmp_path: Path, status: int, because: str) -> None:
    works = tmp_path / "works"
    house = House(Hook(HookSettings(("/bin/sh", "-c", f"test -e {works} || exit {status}")), "gw"), tmp_path)
    house.follower.tell([change(1)])
    await house.goes_on_until(lambda: bool(house.told))
    (raised,) = house.told
    assert (raised.event, str(raised.alarm)) == (Event.RAISED, "gateway/notify/siren/notify_silent")
    assert because in raised.message
    works.touch()
    house.follower.tell([change(2)])  # of an alarm that was given up nothing is tried again
    await house.goes_on_until(lambda: Event.CLEARED in house.events)
    assert house.follower.trouble is None


async def test_a_mail_server_that_is_away_is_told_until_it_is_back(tmp_path: Path) -> None:
    settings = MailSettings("127.0.0.1", free_port(), "none", "gw@farm.example", ("ana@farm.example",))
    house = House(Mail(settings, "gw"), tmp_path)
    house.follower.tell([change(1)])
    await house.goes_on_until(lambda: bool(house.told))
    assert f"SMTP server 127.0.0.1:{settings.port}" in house.told[0].message
    async with Mailbox(port=settings.port) as mailbox:
        await house.goes_on_until(lambda: Event.CLEARED in house.events)
    assert "below 6" in str(mailbox.letters[0].get_content())
    assert house.events == [Event.RAISED, Event.CLEARED]


async def test_one_failure_that_passes_is_no_alarm(tmp_path: Path) -> None:
    failed = tmp_path / "failed"
    command = f"test -e {failed} || {{ touch {failed}; exit 75; }}"
    house = House(Hook(HookSettings(("/bin/sh", "-c", command)), "gw"), tmp_path)
    house.follower.tell([change(1)])
    await house.goes_on_until(lambda: house.follower.sent == 1)
    end_s = house.clock.boot_s() + 120
    await house.goes_on_until(lambda: house.clock.boot_s() > end_s)
    assert failed.exists()
    assert house.told == []
