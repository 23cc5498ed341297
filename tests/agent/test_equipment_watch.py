"""What is wrong with the gateway's own parts becomes an alarm, and no guess does."""

from collections.abc import Sequence

from agent.config.equipment import equipment_alarms
from agent.domain.alarm import AlarmChange, AlarmKind
from agent.domain.equipment import DISK, bus_named
from agent.equipment.watch import EquipmentWatch, Part
from agent.pipeline import Pipeline
from tests.clock import FakeClock


class House:
    """A watch over two parts, whose trouble the test sets, and what it told."""

    def __init__(self) -> None:
        self.changes: list[AlarmChange] = []
        self.trouble: dict[str, str | None] = {"bus": "", "disk": None}
        self.clock = FakeClock()
        pipeline = Pipeline({}, equipment_alarms(["line-1"], []), lambda readings, changes: None, self.tell)
        parts = [
            Part(bus_named("line-1"), AlarmKind.BUS_DOWN, lambda: self.trouble["bus"]),
            Part(DISK, AlarmKind.DISK_LOW, lambda: self.trouble["disk"], "has room again"),
        ]
        self.watch = EquipmentWatch(parts, pipeline.follow, self.clock)

    def tell(self, changes: Sequence[AlarmChange]) -> None:
        self.changes += changes

    def goes_on(self, seconds: int) -> list[str]:
        """What was told in the meantime."""
        before = len(self.changes)
        for _ in range(seconds):
            self.clock.advance(1.0)
            self.watch.look()
        return [f"{change.event.value} {change.message}" for change in self.changes[before:]]


def test_a_dead_bus_is_told_with_its_reason_and_its_return_too() -> None:
    house = House()
    assert house.goes_on(20) == []
    house.trouble["bus"] = "/dev/ttyUSB0 is gone"
    assert house.goes_on(20) == ["raised gateway/bus/line-1: /dev/ttyUSB0 is gone"]
    house.trouble["bus"] = ""
    assert house.goes_on(20) == ["cleared gateway/bus/line-1: works again"]


def test_what_nobody_can_tell_neither_raises_nor_clears() -> None:
    house = House()
    assert house.goes_on(200) == []
    house.trouble["disk"] = "only 3 MB are free"
    assert house.goes_on(100) == ["raised gateway/machine/disk: only 3 MB are free"]
    house.trouble["disk"] = None
    assert house.goes_on(1000) == []
    house.trouble["disk"] = ""
    assert house.goes_on(30) == ["cleared gateway/machine/disk: has room again"]
