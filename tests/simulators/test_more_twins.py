"""The twins of probes that are started, that guard their values with codes, or that sit behind a transmitter."""

import struct

import pytest

from simulators.twins.aqualabo import C4e, Optod, Pheht
from simulators.twins.eh_liquiline_cm44x import BAD, EhLiquilineCm44x
from simulators.twins.in_situ import NO_SENSOR, AquaTroll400, AquaTroll500, RdoProX
from simulators.twins.keller_series_30 import KellerSeries30
from simulators.twins.modbus import ModbusTwin
from simulators.twins.yosemitech_y520a import YosemitechY520a
from simulators.twins.yosemitech_y4000 import YosemitechY4000
from simulators.twins.ysi_exo_adapter import YsiExoAdapter
from simulators.water import Water
from tests.simulators.stage import POND_WATER, StillWater, ask, framed, twin_in


def registers(twin: ModbusTwin, address: int, count: int) -> bytes:
    """Their bytes as they go over the wire."""
    answer = twin.answer(bytes([3]) + address.to_bytes(2, "big") + count.to_bytes(2, "big")) or b""
    assert answer[:2] == bytes([3, 2 * count])
    return answer[2:]


def floats(twin: ModbusTwin, address: int, count: int) -> tuple[float, ...]:
    return struct.unpack(f">{count}f", registers(twin, address, 2 * count))


def pour(twin: ModbusTwin, water: Water) -> None:
    source = twin.senses.source
    assert isinstance(source, StillWater)
    source.water = water
    twin.senses.clock.skip(60)


def test_keller_answers_the_manuals_example() -> None:
    pressure, celsius = struct.unpack(">2f", bytes.fromhex("3F75E3D2 41B61C20"))
    twin = twin_in(KellerSeries30, Water(temperature_c=celsius, conductivity_ms_per_cm=1.0))
    twin.pressure_bar = pressure
    assert ask(twin, "01 03 01 00 00 04 45 F5").startswith("01 03 08 3F 75 E3 D2 41 B6 1C 20")
    assert ask(twin, framed(250, "03 01 00 00 02")).startswith("FA 03 04 3F 75 E3 D2")


@pytest.mark.parametrize(
    ("kind", "shown"),
    [(Optod, (17.5, 80.0, 8.0)), (Pheht, (17.5, 7.25, 210.5)), (C4e, (17.5, 15000.0, 10.0))],
)
def test_aqualabo_measures_when_told_to_and_shows_zeros_until_it_is_done(
    kind: type[Optod] | type[Pheht] | type[C4e], shown: tuple[float, ...]
) -> None:
    twin = twin_in(kind)
    assert registers(twin, 0x0053, 8) == bytes(16)
    assert twin.answer(bytes.fromhex("10 00 01 00 01 02 00 0F")) == bytes.fromhex("10 00 01 00 01")
    assert registers(twin, 0x0053, 8) == bytes(16)
    twin.senses.clock.skip(int.from_bytes(registers(twin, 0x00A4, 1), "big") / 1000)
    assert floats(twin, 0x0053, 3) == pytest.approx(shown)
    pour(twin, Water())
    assert floats(twin, 0x0053, 3) == pytest.approx(shown), "one order is one measurement"


def test_aqualabo_measures_only_what_it_is_asked_for() -> None:
    twin = twin_in(Optod)
    twin.answer(bytes.fromhex("06 00 01 00 05"))  # temperature and P2
    twin.senses.clock.skip(1)
    assert floats(twin, 0x0053, 4) == pytest.approx((17.5, 0.0, 8.0, 0.0))


def test_the_rdo_shows_the_sample_before() -> None:
    twin = twin_in(RdoProX)
    floats(twin, 37, 1)
    pour(twin, Water(temperature_c=4.5, oxygen_mg_per_l=12.0, oxygen_percent=93.0))
    assert floats(twin, 37, 1) == pytest.approx((8.0,))
    assert floats(twin, 37, 1) == pytest.approx((12.0,))
    assert registers(twin, 9000, 1) == bytes([0, 31])


def test_aqua_troll_400_names_parameter_unit_and_quality_beside_each_value() -> None:
    twin = twin_in(AquaTroll400)
    assert registers(twin, 1537, 5) == struct.pack(">fHHH", 7.25, 17, 145, 0)
    twin.parameters[17].quality = NO_SENSOR
    assert registers(twin, 1537, 5) == struct.pack(">fHHH", 0.0, 17, 145, 7)
    twin.parameters[20].unit = 118
    assert registers(twin, 37, 5) == struct.pack(">fHHH", 8000.0, 20, 118, 0)
    twin.cap_installed = False
    assert registers(twin, 9303, 1) == bytes([0x02, 0x00])


def test_aqua_troll_500_has_a_place_for_every_parameter() -> None:
    twin = twin_in(AquaTroll500)
    for id_, value, unit in ((1, 17.5, 1), (17, 7.25, 145), (20, 8.0, 117), (21, 80.0, 177)):
        assert registers(twin, 5450 + 7 * (id_ - 1), 5) == struct.pack(">fHHH", value, 0, unit, id_)


def test_the_exo_adapter_shows_what_its_codes_say_low_word_first() -> None:
    twin = twin_in(YsiExoAdapter)
    assert registers(twin, 128, 8) == struct.pack(">8H", 1, 211, 212, 18, 12, 4, 19, 0)
    assert registers(twin, 384, 2) == bytes.fromhex("0000 418C")
    assert registers(twin, 256, 8) == struct.pack(">8H", 0, 0, 0, 0, 0, 0, 0, 1)


def test_liquiline_tells_status_and_unit_beside_each_value() -> None:
    twin = twin_in(EhLiquilineCm44x)
    assert registers(twin, 0, 4) == struct.pack(">fHH", 8.0, 0, 47)
    twin.status[0] = BAD
    assert registers(twin, 0, 4) == bytes.fromhex("7FA0 0000 0002 002F")
    assert registers(twin, 60, 4) == bytes.fromhex("7FA0 0000 0003 0000")


def test_y520_is_silent_until_it_is_started_by_a_write_of_nothing() -> None:
    twin = twin_in(YosemitechY520a)
    assert ask(twin, "01 03 26 00 00 05 8E 81") == ""
    assert ask(twin, "01 10 1C 00 00 00 00 D8 92").startswith("01 10 1C 00 00 00")
    assert ask(twin, "01 03 26 00 00 05 8E 81").startswith("01 03 0A 00 00 8C 41 00 00 70 41 00 00")
    twin.range_error = True
    assert ask(twin, "01 03 26 00 00 05 8E 81")[33:38] == "FF 00"


def test_y4000_reads_zero_where_no_probe_is() -> None:
    twin = twin_in(YosemitechY4000, POND_WATER)
    twin.absent.add("ph")
    values = struct.unpack("<8f", registers(twin, 0x2601, 16))
    assert values[0] == pytest.approx(8.0)
    assert values[2:5] == pytest.approx((15.0, 0.0, 17.5))
