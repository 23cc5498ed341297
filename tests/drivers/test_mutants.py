"""No slip of the pen in a probe model's file goes unnoticed: captures and twins, both made from manuals, see each."""

import asyncio
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from agent.domain.clock import Clock
from agent.domain.errors import AquaError, NoReply, Refused
from agent.domain.quantity import Quantity
from drivers.interfaces import Cost, Space
from drivers.probes.modbus_table import TableProfile
from drivers.probes.profile_file import profile_of
from drivers.registers import TYPES
from simulators.twins import MODBUS_TWINS
from simulators.twins.modbus import ModbusTwin
from simulators.water import Water
from tests.clock import FakeClock
from tests.drivers import captures
from tests.drivers.captures import Capture, hurried
from tests.drivers.mutants import Mutant, mutants
from tests.drivers.recorded_bus import RecordedBus
from tests.simulators.stage import POND_WATER, HandClock, StillWater, twin_in

PROBES = Path(captures.__file__).parents[2] / "drivers" / "probes"
MODELS = sorted({capture.file.parent.name for capture in captures.MODBUS})
COLD_SEA = Water(-1.5, 12.5, 105.0, 8.125, 33.0, 27.5)

# What the twins say they are; the maps are the manuals', the numbers the twins' own.
IDENTITIES: Mapping[str, Mapping[str, str]] = {
    "aqualabo-c4e": {"model": "C4E /Salinite/Temp PONSEL", "serial_number": "SN-PODOA-0123456"},
    "aqualabo-optod": {"model": "ODO / Temperature PONSEL", "serial_number": "SN-PODOA-0123456"},
    "aqualabo-pheht": {"model": "pH / Redox / Temperature PONSEL", "serial_number": "SN-PODOA-0123456"},
    "in-situ-rdo": {"model": "31", "serial_number": "2147500001"},
    "keller-series-30": {"serial_number": "2147500001"},
    "yosemitech-y4000": {"serial_number": "YL0440000A0001", "firmware": "1.0.1.7"},
    "yosemitech-y504a": {"serial_number": "YL0504A000001", "firmware": "1.0.1.7"},
    "yosemitech-y520a": {"serial_number": "YL0920A0000001", "firmware": "1.0.1.7"},
    "yosemitech-y532a": {"serial_number": "YL0532A000001", "firmware": "1.0.1.7"},
}


class TwinBus:
    """A Modbus line without a wire, that ends in a twin. Implements `ModbusBus`; sleeping lets the twin's time pass."""

    name = "twin"
    quiet_s = 0.0

    def __init__(self, twin: ModbusTwin) -> None:
        self.twin = twin
        self.cost = Cost(0.02, 0.002)
        self.clock: Clock = TwinClock(twin)

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def read(self, unit: int, space: Space, address: int, count: int) -> tuple[int, ...]:
        data = self._answer(bytes([space.value]) + address.to_bytes(2, "big") + count.to_bytes(2, "big"))[2:]
        return tuple(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))

    async def write(self, unit: int, address: int, registers: Sequence[int], single: bool = False) -> None:
        content = b"".join(register.to_bytes(2, "big") for register in registers)
        head = bytes([6 if single else 16]) + address.to_bytes(2, "big")
        self._answer(head + (b"" if single else bytes([0, len(registers), len(content)])) + content)

    def _answer(self, pdu: bytes) -> bytes:
        answer = self.twin.answer(pdu)
        if answer is None:
            raise NoReply("mute")
        if answer[0] & 0x80:
            raise Refused("refused", answer[1])
        return answer


class TwinClock(FakeClock):
    def __init__(self, twin: ModbusTwin) -> None:
        super().__init__()
        self._twin = twin

    async def sleep(self, seconds: float) -> None:
        self._twin.senses.clock.skip(seconds)
        await super().sleep(seconds)


def in_water(quantity: Quantity, water: Water) -> float | None:
    """What a sensor of `quantity` has to show in `water`; the twins' ORP and depth are fixed."""
    return {
        Quantity.TEMPERATURE: water.temperature_c,
        Quantity.PH: water.ph,
        Quantity.DISSOLVED_OXYGEN: water.oxygen_mg_per_l,
        Quantity.DISSOLVED_OXYGEN_SATURATION: water.oxygen_percent,
        Quantity.SALINITY: water.salinity_psu,
        Quantity.CONDUCTIVITY: water.conductivity_ms_per_cm,
        Quantity.ORP: 210.5,
        Quantity.PRESSURE: 15.0,
    }[quantity]


async def twin_objects(name: str, model: TableProfile) -> str | None:
    """What a twin in two waters has against `model`."""
    twin = twin_in(MODBUS_TWINS[name], clock=HandClock())
    bus = TwinBus(twin)
    for identity in model.identity:
        said = identity.said(await bus.read(1, identity.block.space, identity.block.address, identity.block.count))
        if said != IDENTITIES[name][identity.what] or not identity.fits(said):
            return f"{identity.what} is {said!r}"
    driver = hurried(model).driver(bus, 1)
    source = twin.senses.source
    assert isinstance(source, StillWater)
    for water in (POND_WATER, COLD_SEA):
        source.water = water
        twin.senses.clock.skip(60)
        values = await driver.read()
        for channel in model.channels:
            if name == "hamilton-arc-do" and channel.name == "saturation":
                continue  # the twin is set to mg/L
            if values[channel.name] != pytest.approx(in_water(channel.quantity, water), rel=1e-5, abs=0.006):
                return f"{channel.name} is {values[channel.name]} in {water}"
    return None


async def capture_objects(capture: Capture, model: TableProfile) -> str | None:
    """What a recorded exchange, twice, has against `model`."""
    bus = RecordedBus(capture.exchanges)
    driver = hurried(model).driver(bus, capture.unit)
    for _ in range(2):
        try:
            capture.check(await driver.read())
        except AssertionError:
            return f"{capture} means something else"
        if bus.left:
            return f"{capture} is not asked for {bus.left[0][0].hex(' ')}"
        bus.play(capture.repeated + capture.asked)
    return None


async def caught(name: str, content: Mapping[str, Any]) -> str | None:
    """Who notices that this is not the right profile, and why; None when nobody does."""
    try:
        model = profile_of(PROBES / f"{name}.toml", content)
        assert isinstance(model, TableProfile)
        for capture in captures.MODBUS:
            if capture.file.parent.name == name and (objection := await capture_objects(capture, model)):
                return objection
        return await twin_objects(name, model)
    except AquaError as error:
        return str(error)


def same_meaning(mutant: Mutant, content: Mapping[str, Any]) -> str | None:
    """Why this slip changes nothing; None when it does."""
    table = mutant.table
    if not mutant.path:
        single = all(TYPES[channel["type"]][1] == 1 for channel in content["channel"])
        return "one register has no order of words" if single and mutant.found == "CDAB" else None
    before = _at(content, mutant.path)
    if mutant.key == "type" and _but_for_the_sign(before.get("type", "uint16"), str(mutant.found)):
        if "equals" in table:
            return "a number below the sign bit, or some bits of it, are the same with and without a sign"
        if table.get("expect") == "31":
            return "31 is 31 with and without a sign"
    if mutant.key == "byte_order" and table.get("type") in ("text", "version"):
        return "text and versions are bytes as they come"
    if mutant.key == "byte_order" and TYPES[table.get("type", "uint16")][1] == 1:
        orders = {before.get("byte_order", content["byte_order"]), mutant.found}
        return "one register has no order of words" if orders in ({"ABCD", "CDAB"}, {"BADC", "DCBA"}) else None
    if mutant.path == ("identity", "model") and mutant.key == "count" and table["count"] == 15:
        return "the description is padded: one register less is less padding"
    return None


def _but_for_the_sign(one: str, other: str) -> bool:
    return one != other and one.removeprefix("u") == other.removeprefix("u")


def _at(content: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        content = content[step]
    return content


def test_every_modbus_model_has_a_twin() -> None:
    assert set(MODELS) <= MODBUS_TWINS.keys()


@pytest.mark.parametrize("name", MODELS)
def test_the_profile_itself_is_right(name: str) -> None:
    assert asyncio.run(caught(name, tomllib.loads((PROBES / f"{name}.toml").read_text()))) is None


@pytest.mark.parametrize("name", MODELS)
def test_no_slip_in_a_profile_goes_unnoticed(name: str) -> None:
    content = tomllib.loads((PROBES / f"{name}.toml").read_text())
    made = [mutant for mutant in mutants(content) if same_meaning(mutant, content) is None]
    assert len(made) > 40

    async def unnoticed() -> list[str]:
        return [str(mutant) for mutant in made if await caught(name, mutant.content) is None]

    assert asyncio.run(unnoticed()) == []
