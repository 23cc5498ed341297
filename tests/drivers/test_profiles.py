"""Probe models as files: ours are sound, yours come first, and a wrong one says all that is wrong with it."""

from pathlib import Path

import pytest

from agent.domain.farm import MODBUS, Span
from drivers import DRIVERS, ProfileError, UnknownProfile, profile, profile_names
from drivers.interfaces import Space
from drivers.planning import Block
from drivers.probes.modbus_facts import Start, Timing
from drivers.probes.modbus_table import TableProfile
from drivers.probes.sdi12_sensor import Sdi12Profile
from drivers.probes.text_instrument import TextProfile
from drivers.units import UNITS

GOOD = """
title = "Test probe"
manufacturer = "Nobody"
manual = "none"
byte_order = "CDAB"
byte_order_verified = "not at all"

[serial]
baud = 9600
parity = "N"
stop_bits = 1
unit = 1

[[channel]]
name = "ph"
quantity = "pH"
address = 0x10
type = "float32"
unit = "pH"
span = [0, 14]
"""


def changed(folder: Path, old: str, new: str) -> Path:
    assert old in GOOD
    (folder / "mine.toml").write_text(GOOD.replace(old, new))
    return folder


@pytest.mark.parametrize("name", profile_names())
def test_a_model_names_its_channels_quantities_and_spans(name: str) -> None:
    model = profile(name)
    assert model.name == name
    assert model.title
    assert len({channel.name for channel in model.channels}) == len(model.channels) > 0
    for channel in model.channels:
        assert channel.quantity in UNITS
        assert channel.span is None or channel.span.low < channel.span.high


@pytest.mark.parametrize("name", sorted(set(profile_names()) - DRIVERS.keys()))
def test_a_model_in_a_file_names_its_sources(name: str) -> None:
    model = profile(name)
    assert isinstance(model, TableProfile | Sdi12Profile | TextProfile)
    assert model.manual
    if not isinstance(model, TableProfile):
        return
    assert model.protocols == MODBUS
    assert model.byte_order_verified
    assert 1 <= model.unit <= 247


def test_the_models_of_python_are_no_modbus_models() -> None:
    assert all(model.name == name and not model.protocols & MODBUS for name, model in DRIVERS.items())


def test_your_own_file_comes_first(tmp_path: Path) -> None:
    (tmp_path / "renke-rs-ldo-n01.toml").write_text(GOOD)
    assert profile("renke-rs-ldo-n01", tmp_path).title == "Test probe"
    assert profile("renke-rs-ldo-n01").title != "Test probe"
    (tmp_path / "mine.toml").write_text(GOOD)
    assert "mine" in profile_names(tmp_path)
    assert "mine" not in profile_names()
    assert profile("mine", tmp_path).channels[0].span == Span(0, 14)


def test_an_unknown_name_gets_a_hint() -> None:
    with pytest.raises(UnknownProfile, match="did you mean yosemitech-y504a"):
        profile("yosemitech-y504")
    with pytest.raises(UnknownProfile, match=r"'\.\./secret'"):
        profile("../secret")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('title = "Test probe"', "", "title is missing"),
        ('"CDAB"', '"CDBA"', "byte_order = 'CDBA': did you mean"),
        ('manual = "none"', "manual = 3", "manual = 3: say which document"),
        ('manual = "none"', 'manual = "none"\nmost_registers = 126', "most_registers = 126: use a whole number from 1"),
        ('manual = "none"', 'manual = "none"\ngaps = "no"', "gaps = 'no': use true or false"),
        ("baud = 9600", 'baud = "fast"', "serial.baud = 'fast': use a whole number from 300"),
        ("baud = 9600", "baudrate = 9600", "serial.baudrate = 9600: unknown key; did you mean 'baud'?"),
        ('parity = "N"', 'parity = "none"', "serial.parity = 'none': use one of N, E, O"),
        ("unit = 1\n", "unit = 0\n", "serial.unit = 0: use a whole number from 1 to 247"),
        ('"float32"', '"float23"', "channel[1].type = 'float23': did you mean 'float32'?"),
        ('"pH"\naddress', '"PH"\naddress', "channel[1].quantity = 'PH': did you mean 'pH'?"),
        ('unit = "pH"', 'unit = "mV"', "channel[1].unit = 'mV': use one of pH"),
        ("address = 0x10", "address = 70000", "channel[1].address = 70000: use a whole number from 0 to 65535"),
        ("address = 0x10", "address = 65535", "address 0xffff: a float32 does not fit"),
        ("span = [0, 14]", "span = [14, 0]", "channel[1].span = [14.0, 0.0]: write [lowest, highest]"),
        ("span = [0, 14]", "span = 14", "channel[1].span = 14: use a list of finite numbers"),
        ("span = [0, 14]", "bad = [inf]", "channel[1].bad = [inf]: use a list of finite numbers"),
        ("span = [0, 14]", "scale = nan", "channel[1].scale = nan: use a finite number"),
        ("span = [0, 14]", "scale = 0", "channel[1].scale = 0: zero would"),
        ("span = [0, 14]", "colour = 1", "channel[1].colour = 1: unknown key; known here: address"),
        ("span = [0, 14]", "[[block]]\naddress = 0x11\ncount = 2", "address 0x0010: no [[block]] holds"),
        ("span = [0, 14]", "[[block]]\naddress = 0\ncount = 126", "block[1].count = 126: use a whole number"),
        ("span = [0, 14]", "[block]\naddress = 0\ncount = 1", "write [[block]] with two brackets"),
        ("span = [0, 14]", "bits = [3, 2]", "channel[1].bits = [3, 2]: write [first, last]"),
        ("span = [0, 14]", "bits = 3", "channel[1].bits = [3, 3]: only whole numbers have bits"),
        (
            "span = [0, 14]",
            'require = [{ address = 1, equals = "a" }]',
            "channel[1].require[1].equals = 'a': use whole",
        ),
        ("span = [0, 14]", "require = [{ address = 1, equals = 1 }]", "channel[1].require[1].because is missing"),
        (
            "span = [0, 14]",
            'require = [{ address = 1, equals = 0, because = "x", codes = { bad = "y" } }]',
            "channel[1].require[1].codes.bad = 'y': the key is a code, a whole number",
        ),
        ("span = [0, 14]", '[[idle]]\nchannels = ["orp"]\nbecause = "x"', "idle.channels names 'orp'"),
        ("span = [0, 14]", "[timing]\nmin_period_s = -1", "timing.min_period_s = -1.0: use seconds, zero or more"),
        ("span = [0, 14]", "[timing]\nperiod_s = 1", "timing.period_s = 1: unknown key; did you mean 'min_period_s'?"),
        ("span = [0, 14]", "[start]\naddress = 1", "start.write is missing: say which registers to write"),
        (
            "span = [0, 14]",
            "[start]\naddress = 1\nwrite = [1]\nread = 1",
            "start.write is missing: say which registers",
        ),
        ("span = [0, 14]", "[start]\naddress = 1\nwrite = []\nsingle = true", "start.single = True: function 6 writes"),
        ("span = [0, 14]", "[start]\naddress = 1\nwrite = []\nonce = 1", "start.once = 1: use true or false"),
        ("span = [0, 14]", "[start]\naddress = 1\nwrite = []\nonce = true", "timing.stabilise_s is missing"),
        (
            "span = [0, 14]",
            '[identity.model]\naddress = 1\ntype = "text"',
            "identity.model.count is missing: use a whole number from 1 to 125",
        ),
        ("span = [0, 14]", "[identity.maker]\naddress = 1", "identity.maker = {'address': 1}: unknown key"),
        ("span = [0, 14]", "[calibration]\nregister = []", "calibration.steps is missing: list what to do"),
        ('"CDAB"', '["CDAB", "CDAB"]', "byte_order = ['CDAB', 'CDAB']: use one of ABCD"),
        ('"CDAB"', '["CDAB", "ABCD"]', "channel 'ph': with several byte orders it needs a [[require]]"),
        (
            "span = [0, 14]",
            '[[require]]\naddress = 1\ntype = "uint16"\nequals = 1\nchannels = ["orp"]\nbecause = "x"',
            "require.channels names 'orp'",
        ),
        ("[[channel]]", "[[channels]]", "channel is missing: add a [[channel]]"),
        ("[[channel]]", "[[channel", "cannot be read as TOML"),
    ],
)
def test_a_wrong_file_says_what_to_do(tmp_path: Path, old: str, new: str, problem: str) -> None:
    with pytest.raises(ProfileError) as caught:
        profile("mine", changed(tmp_path, old, new))
    assert any(problem in found for found in caught.value.problems), caught.value.problems
    assert "mine.toml: " in str(caught.value)


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('titel = "x"\n[[channel]]\nname = "a"\n[[channel]]\nname = "a"\n')
    with pytest.raises(ProfileError) as caught:
        profile("mine", tmp_path)
    text = str(caught.value)
    assert len(set(caught.value.problems)) == len(caught.value.problems)
    for part in ("title is missing", "titel = 'x': unknown key; did you mean 'title'?", "serial", "'a' is used twice"):
        assert part in text


def test_a_profile_may_tell_a_models_manners(tmp_path: Path) -> None:
    more = """
revision = "2.1"
unverified = ["the span"]

[timing]
warm_up_s = 0.5
min_period_s = 3

[start]
address = 0x1C00
write = []
wait_s = 0.5
wait_ms_address = 0x00A4

[identity.serial_number]
address = 0x900
type = "text"
count = 7

[identity.firmware]
address = 0x700
type = "version"
count = 2

[calibration]
steps = ["Dip it", "Write the value"]
register = [{ address = 0x2300, type = "float32", means = "the buffer's pH" }]

[serial]
"""
    (tmp_path / "mine.toml").write_text(GOOD.replace("\n[serial]\n", more))
    model = profile("mine", tmp_path)
    assert isinstance(model, TableProfile)
    assert model.revision == "2.1"
    assert model.unverified == ("the span",)
    assert model.timing == Timing(warm_up_s=0.5, min_period_s=3.0)
    assert model.start == Start(Block(Space.HOLDING, 0x1C00, 0), (), wait_s=0.5, wait_ms=Block(Space.HOLDING, 0xA4, 1))
    serial_number, firmware = model.identity
    assert serial_number.said((0x594C, 0x3031, 0x3233, 0x2020, 0, 0, 0)) == "YL0123"
    assert firmware.said((0x0100, 0x0107)) == "1.0.1.7"
    assert len(model.calibration.steps) == 2
    assert model.calibration.registers[0].address == 0x2300


def test_the_example_of_the_readme_is_a_profile(tmp_path: Path) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    example = readme.split("### Add a probe")[1].split("```toml\n")[1].split("```")[0]
    (tmp_path / "acme-do-1.toml").write_text(example)
    assert profile("acme-do-1", tmp_path).channels[0].span == Span(0, 20)


@pytest.mark.parametrize("protocol", ["sdi-12", "text-stream"])
def test_the_examples_of_what_is_no_modbus_are_profiles(tmp_path: Path, protocol: str) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    examples = readme.split("### Add an SDI-12 sensor")[1].split("### ")[0].split("```toml\n")[1:]
    example = next(found for found in examples if f'protocol = "{protocol}"' in found).split("```")[0]
    (tmp_path / "acme.toml").write_text(example)
    assert profile("acme", tmp_path).channels[0].name == "temperature"
