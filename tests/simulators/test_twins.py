"""Every twin against the bytes that its device's manual, or a driver checked on the device, shows."""

import math
import struct

import pytest

from simulators.twins import MODBUS_TWINS
from simulators.twins.generic import GenericSonde
from simulators.twins.hamilton_arc import HamiltonDoArc, HamiltonPhArc
from simulators.twins.renke_rs_ldo_n01 import RenkeRsLdoN01
from simulators.twins.seeed_s_ph_01 import SeeedSPh01
from simulators.twins.seeed_s_rjy_01 import SeeedSRjy01
from simulators.twins.yosemitech_y504a import YosemitechY504a
from simulators.twins.yosemitech_y532a import YosemitechY532a
from simulators.twins.ysi_odo_ct import YsiOdoCt
from simulators.water import Water, nernst_slope_mv
from tests.simulators.stage import POND_WATER, StillWater, ask, framed, twin_in


def as_float(hex_digits: str) -> float:
    value: float = struct.unpack(">f", bytes.fromhex(hex_digits))[0]
    return value


def test_renke_answers_the_manuals_example() -> None:
    water = Water(
        temperature_c=as_float("41E585C5"),
        oxygen_mg_per_l=as_float("40E248B0"),
        oxygen_percent=100 * as_float("3F6AEB52"),
    )
    answer = ask(twin_in(RenkeRsLdoN01, water), "01 03 00 00 00 06 C5 C8")
    assert answer.startswith("01 03 0C 3F 6A EB 52 40 E2 48 B0 41 E5 85 C5")


def test_renke_can_be_given_another_address() -> None:
    twin = twin_in(RenkeRsLdoN01)
    assert ask(twin, framed(1, "06 07 D0 00 09")) == bytes.fromhex(framed(1, "06 07 D0 00 09")).hex(" ").upper()
    assert ask(twin, framed(1, "03 00 00 00 02")) == ""
    assert ask(twin, framed(9, "03 07 D0 00 01")).startswith("09 03 02 00 09")


def test_yosemitech_y504_answers_the_manuals_example() -> None:
    water = Water(temperature_c=17.625, oxygen_mg_per_l=8.0, oxygen_percent=1762.5)
    assert ask(twin_in(YosemitechY504a, water), "01 03 26 00 00 04 4F 41") == ("01 03 08 00 00 8D 41 00 00 8D 41 12 65")


def test_yosemitech_y504_starts_on_its_odd_command() -> None:
    assert ask(twin_in(YosemitechY504a), "01 03 25 00 00 01 8F 06") == "01 03 00 20 F0"


def test_yosemitech_tells_its_address_to_everybody() -> None:
    assert ask(twin_in(YosemitechY504a, unit=3), "FF 03 30 00 00 01 9E D4") == "FF 03 02 03 00 91 60"


def test_yosemitech_takes_another_address_in_the_high_byte() -> None:
    twin = twin_in(YosemitechY504a)
    assert ask(twin, "01 10 30 00 00 01 02 14 00 99 53").startswith("01 10 30 00 00 01")
    assert twin.unit == 0x14


@pytest.mark.parametrize(
    "pdu", ["03 26 08 00 02", "03 00 00 00 01", "04 26 00 00 04", "06 26 00 00 01", "03 26 00 00 07"]
)
def test_yosemitech_is_mute_where_the_manual_is(pdu: str) -> None:
    for kind in (YosemitechY504a, YosemitechY532a):
        assert ask(twin_in(kind), framed(1, pdu)) == ""


def test_yosemitech_y532_answers_ph_temperature_and_millivolts() -> None:
    twin = twin_in(YosemitechY532a)
    assert ask(twin, "01 03 28 00 00 02 CD AB").startswith("01 03 04 00 00 E8 40")
    assert ask(twin, "01 03 24 00 00 02 CE FB").startswith("01 03 04 00 00 8C 41")


def test_yosemitech_y532_shows_the_manuals_millivolts() -> None:
    millivolts: float = struct.unpack("<f", bytes.fromhex("E1 7A 24 C1"))[0]
    water = Water(temperature_c=25.0, ph=7 - millivolts / nernst_slope_mv(25.0))
    answer = bytes.fromhex(ask(twin_in(YosemitechY532a, water), "01 03 12 00 00 02 C1 73"))
    assert struct.unpack("<f", answer[3:7])[0] == pytest.approx(-10.28, abs=1e-5)


def test_yosemitech_y532_wants_three_buffers() -> None:
    twin = twin_in(YosemitechY532a)
    states = []
    for buffer in (4.00, 6.86, 5.00, 9.18):
        pdu = bytes.fromhex("10 23 00 00 02 04") + struct.pack("<f", buffer)
        assert twin.answer(pdu) == pdu[:5]
        states.append((twin.answer(bytes.fromhex("03 0E 00 00 01")) or b"")[2])
    assert states == [2, 2, 1, 0]
    assert ask(twin, "01 10 23 00 00 02 04 00 00 80 40 1E AE").startswith("01 10 23 00 00 02")


def test_hamilton_ph_block_has_its_unit_and_low_words_first() -> None:
    answer = ask(twin_in(HamiltonPhArc), framed(1, "03 08 29 00 0A"))
    assert answer.startswith(
        "01 03 14 10 00 00 00 00 00 40 E8 00 00 00 00 00 00 00 00 00 00 41 60"  # 0x1000, 7.25, 0, 0.0, 14.0
    )


def test_hamilton_units_are_one_bit() -> None:
    twin = twin_in(HamiltonDoArc)
    assert ask(twin, framed(1, "03 08 29 00 04")).startswith("01 03 08 00 80 00 00 00 00 41 00")
    assert ask(twin, framed(1, "04 09 69 00 04")).startswith("01 04 08 00 04 00 00 00 00 41 8C")


def test_seeed_ph_scales_by_a_hundred() -> None:
    cold = Water(temperature_c=-1.25, ph=7.254)
    assert ask(twin_in(SeeedSPh01, cold), framed(1, "03 00 00 00 02")).startswith("01 03 04 FF 83 02 D5")


def test_seeed_oxygen_answers_its_known_request() -> None:
    answer = ask(twin_in(SeeedSRjy01), "37 03 01 00 00 03 01 A1")
    assert answer.startswith("37 03 06 00 AF 03 20 03 20")  # 17.5 °C, 8.00 mg/L, 80.0 %


def test_ysi_answers_function_4_with_big_endian_floats() -> None:
    answer = bytes.fromhex(ask(twin_in(YsiOdoCt), framed(1, "04 00 00 00 16")))
    values = struct.unpack(">11f", answer[3:-2])
    assert values[0] == values[2] == pytest.approx(80.0)
    assert values[1] == pytest.approx(8.0)
    assert values[3] == pytest.approx(17.5)
    assert values[6] == pytest.approx(15000.0)
    assert values[8] == pytest.approx(10.0)


def test_ysi_shows_a_missing_value_as_nan() -> None:
    water = Water(temperature_c=17.5)
    answer = ask(twin_in(YsiOdoCt, water), framed(1, "04 00 02 00 06"))
    assert answer.startswith("01 04 0C FF FF FF FF FF FF FF FF 41 8C 00 00")
    assert math.isnan(as_float("FFFFFFFF"))


def test_ysi_wants_even_addresses_and_counts() -> None:
    assert ask(twin_in(YsiOdoCt), framed(1, "04 00 01 00 02")).startswith("01 84 02")
    assert ask(twin_in(YsiOdoCt), framed(1, "04 00 00 00 03")).startswith("01 84 03")
    assert ask(twin_in(YsiOdoCt), framed(1, "03 00 01 00 01")).startswith("01 03 02 02 00")


def test_a_generic_sonde_has_as_many_floats_as_wanted() -> None:
    senses = twin_in(GenericSonde).senses
    twin = GenericSonde(senses, sensors=10)
    answer = twin.answer(bytes.fromhex("03 00 00 00 14")) or b""
    values = struct.unpack(">10f", answer[2:])
    assert values[:7] == pytest.approx((17.5, 8.0, 80.0, 7.25, 10.0, 15.0, 17.5))
    assert twin.answer(bytes.fromhex("03 00 14 00 02")) == b"\x83\x02"


@pytest.mark.parametrize(
    ("pdu", "exception"),
    [
        ("03 0F 00 00 02", 2),
        ("03 00 00 00 00", 3),
        ("03 00 00 00 7E", 3),
        ("03 00", 3),
        ("2B 0E 01 00", 1),
        ("01 00 00 00 01", 1),
    ],
)
def test_ordinary_slaves_refuse_with_the_standards_codes(pdu: str, exception: int) -> None:
    for model in ("renke-rs-ldo-n01", "seeed-s-ph-01", "seeed-s-rjy-01", "hamilton-arc-ph", "generic"):
        answer = twin_in(MODBUS_TWINS[model]).answer(bytes.fromhex(pdu)) or b""
        assert answer == bytes([int(pdu[:2], 16) | 0x80, exception]), model


@pytest.mark.parametrize("model", ["renke-rs-ldo-n01", "seeed-s-ph-01", "yosemitech-y504a", "hamilton-arc-do"])
def test_without_water_a_probe_is_as_good_as_unplugged(model: str) -> None:
    twin = twin_in(MODBUS_TWINS[model])
    first = {"yosemitech-y504a": "03 26 00 00 02", "hamilton-arc-do": "03 08 2B 00 02"}.get(model, "03 00 00 00 02")
    assert twin.answer(bytes.fromhex(first)) is not None
    source = twin.senses.source
    assert isinstance(source, StillWater)
    source.water = Water()
    twin.senses.clock.skip(60)
    assert twin.answer(bytes.fromhex(first)) is None
    source.water = POND_WATER
    twin.senses.clock.skip(60)
    assert twin.answer(bytes.fromhex(first)) is not None
