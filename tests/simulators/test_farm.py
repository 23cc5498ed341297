"""A farm from its file: what is served, what is scheduled, and what a wrong file is told."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import simulators
from simulators.farm import Farm, FarmError, load
from simulators.frames import rtu_frame
from simulators.lines import PtyLine, TextLine
from simulators.twins import MODBUS_TWINS, TEXT_TWINS
from tests.simulators.stage import HandClock

DEMO = Path(simulators.__file__).parent / "farms" / "demo" / "farm.toml"
DAY = Path(simulators.__file__).parent / "recordings" / "logan_river_2019-06-28.csv"
SMALL = """
speed = 30
[[ponds]]
name = "tank-1"
[lines.lan]
tcp = 0
[[twins]]
name = "do-1"
model = "renke-rs-ldo-n01"
line = "lan"
pond = "tank-1"
"""


def farm_file(folder: Path, text: str) -> Path:
    path = folder / "farm.toml"
    path.write_text(text, encoding="utf-8")
    return path


async def registers(port: int, unit: int, pdu: str) -> bytes:
    """The data of a read over Modbus TCP; empty without an answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    raw = bytes.fromhex(pdu)
    writer.write(b"\0\1\0\0" + (len(raw) + 1).to_bytes(2, "big") + bytes([unit]) + raw)
    try:
        head = await asyncio.wait_for(reader.readexactly(9), 0.6)
        return await reader.readexactly(head[8])
    except TimeoutError:
        return b""
    finally:
        writer.close()


async def test_a_small_farm_serves(tmp_path: Path) -> None:
    async with Farm(load(farm_file(tmp_path, SMALL))) as farm:
        assert len(await registers(farm.port("lan"), 1, "03 00 00 00 06")) == 12
        farm.twin("do-1").faults.silence = True
        assert await registers(farm.port("lan"), 1, "03 00 00 00 06") == b""
        assert farm.pond("tank-1").at(0).oxygen_mg_per_l


async def test_every_model_can_be_farmed(tmp_path: Path) -> None:
    text = SMALL + '[lines.bus]\npty = "bus"\nbaud = 9600\n'
    for unit, model in enumerate(MODBUS_TWINS, 10):
        text += f'[[twins]]\nname = "m{unit}"\nmodel = "{model}"\nline = "bus"\nunit = {unit}\npond = "tank-1"\n'
    for model in TEXT_TWINS:
        text += f'[lines.{model}]\npty = "{model}"\n'
        text += f'[[twins]]\nname = "{model}"\nmodel = "{model}"\nline = "{model}"\npond = "tank-1"\n'
    async with Farm(load(farm_file(tmp_path, text))) as farm:
        bus = farm.line("bus")
        assert isinstance(bus, PtyLine)
        assert len(bus.twins) == len(MODBUS_TWINS)
        assert all(isinstance(farm.line(model), TextLine) for model in TEXT_TWINS)
        assert bus.link.is_symlink()
    assert not bus.link.is_symlink()


async def test_scheduled_faults_and_failures_happen_on_time(tmp_path: Path) -> None:
    text = SMALL.replace(
        '[lines.lan]', 'biomass_kg_per_m3 = 60\naeration_failures = [{ at_s = 20, for_s = 30 }]\n[lines.lan]'
    ) + 'faults = [{ kind = "silence", at_s = 40, for_s = 10, every_s = 120 }]\n'  # fmt: skip
    clock = HandClock(30)
    async with Farm(load(farm_file(tmp_path, text)), clock) as farm:
        answered, oxygen = {}, {}
        for now in (10, 39, 45, 51, 100, 165):
            clock.now_s = now
            answered[now] = bool(await registers(farm.port("lan"), 1, "03 00 02 00 02"))
            oxygen[now] = farm.pond("tank-1").at(clock.simulated_s).oxygen_mg_per_l or 0
    assert answered == {10: True, 39: True, 45: False, 51: True, 100: True, 165: False}
    assert oxygen[10] > 8 > 5 > oxygen[45]
    assert oxygen[100] > 7


async def test_a_line_can_vanish_on_schedule(tmp_path: Path) -> None:
    clock = HandClock()
    text = SMALL.replace("tcp = 0", 'pty = "bus"\nunplugged = [{ at_s = 5, for_s = 5 }]')
    async with Farm(load(farm_file(tmp_path, text)), clock):
        link = tmp_path / "bus"
        for now, there in ((1, True), (6, False), (11, True)):
            clock.now_s = now
            await asyncio.sleep(0.12)
            assert link.is_symlink() is there


async def test_a_recorded_day_is_read_value_by_value(tmp_path: Path) -> None:
    shutil.copy(DAY, tmp_path / "day.csv")
    text = SMALL.replace("speed = 30", "speed = 0").replace('name = "tank-1"', 'name = "tank-1"\nrecording = "day.csv"')
    text = text.replace("renke-rs-ldo-n01", "seeed-s-ph-01")
    async with Farm(load(farm_file(tmp_path, text))) as farm:
        ph, silent = [], 0
        for _ in range(97):
            answer = await registers(farm.port("lan"), 1, "03 00 01 00 01")
            ph.append(int.from_bytes(answer, "big") / 100)
            silent += not answer
            farm.clock.skip(900)
    assert ph[:3] == [8.8, 8.81, 8.8]
    assert (ph[54], silent) == (8.65, 1)


def test_the_demonstrations_farm_is_sound(tmp_path: Path) -> None:
    farm = Farm(load(DEMO), HandClock(30))
    tank = farm.pond("tank-1")
    course = {now: tank.at(30 * now).oxygen_mg_per_l or 0 for now in range(600)}
    assert all(course[now] > 7 for now in (0, 19, 90, 130, 210, 250, 330, 450))
    for began in (20, 140, 260, 380, 500):
        assert min(range(began, began + 60), key=course.__getitem__) == pytest.approx(began + 30, abs=2)
        assert course[began + 16] < 6
        assert course[began + 26] < 4
        assert course[began + 45] > 6.5
        assert course[began + 30] > 1.5
    assert all(
        (farm.pond(name).at(30 * now).oxygen_mg_per_l or 0) > 5 for name in ("tank-2", "tank-3") for now in course
    )


def test_the_recorded_days_farm_replays_a_row_a_second() -> None:
    farm = Farm(load(DEMO.parent.parent / "recorded_day" / "farm.toml"), clock := HandClock(900))
    twin = farm.twin("ph")
    found = []
    for clock.now_s in (0.5, 1.5, 51.5, 54.5, 96.5):
        found.append(farm.water("river").at(clock.simulated_s).ph)
        assert twin.senses.read("ph") == found[-1]
    assert found == [8.8, 8.81, 9.07, 8.65, None]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("speed = 30", "sped = 30"), r"farm\.toml: sped = 30: there is no such key"),
        (('name = "tank-1"\n[', 'name = "tank-1"\nbiomas = 3\n['), r"ponds\.0\.biomas = 3: there is no such key"),
        (('name = "tank-1"\n[', 'name = "tank-1"\nbiomass_kg_per_m3 = -3\n['), "biomass_kg_per_m3 = -3.0 is negative"),
        (('name = "tank-1"\n[', 'name = "tank-1"\nsalinity_psu = "salty"\n['), r"salinity_psu = 'salty'"),
        (('name = "tank-1"\n[', 'name = "tank-1"\nrecording = "no.csv"\n['), r"recording = 'no.csv': no such file"),
        (
            ('name = "tank-1"\n[', 'name = "tank-1"\nrecording = "no.csv"\nsalinity_psu = 1\n['),
            "a recorded pond has no physics: leave out salinity_psu",
        ),
        (("renke-rs-ldo-n01", "renke"), r"twins\.do-1\.model = 'renke': no such model; there are aqualabo-c4e"),
        (('line = "lan"', 'line = "wan"'), r"line = 'wan': no such line; there are lan"),
        (('pond = "tank-1"', 'pond = "sea"'), r"pond = 'sea': no such pond; there are tank-1"),
        (("tcp = 0", "tcp = 70000"), r"lines\.lan\.tcp = 70000"),
        (("tcp = 0", 'tcp = 0\npty = "x"'), "a line needs either pty or tcp"),
        (("tcp = 0", 'pty = "x"\nframing = "tcp"'), "no meaning on a pty"),
        (('pond = "tank-1"', 'pond = "tank-1"\nunit = 300'), r"twins\.do-1\.unit = 300: Modbus has 1 to 247"),
        (('pond = "tank-1"', 'pond = "tank-1"\nsensors = 3'), "only model 'generic'"),
        (('pond = "tank-1"', 'pond = "tank-1"\nfaults = [{ kind = "late" }]'), "needs delay_s"),
        (('pond = "tank-1"', 'pond = "tank-1"\nfaults = [{ kind = "gone" }]'), r"kind = 'gone'"),
        (('pond = "tank-1"', 'pond = "tank-1"\nfaults = [{ kind = "silence", size = 1 }]'), "size has no meaning"),
        (
            ('pond = "tank-1"', 'pond = "tank-1"\nfaults = [{ kind = "stuck", channel = "ph" }]'),
            "channel = 'ph': renke-rs-ldo-n01 has oxygen, temperature",
        ),
        (('pond = "tank-1"', 'pond = "tank-1"\nfaults = [{ kind = "crc_error" }]'), "Modbus TCP has no CRC"),
        (("renke-rs-ldo-n01", "atlas-ezo-ph"), "needs a pty of its own"),
        (("[[ponds]]", "[[ponds"), "Expected"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_file_key_and_value(tmp_path: Path, change: tuple[str, str], complaint: str) -> None:
    with pytest.raises(FarmError, match=complaint) as error:
        load(farm_file(tmp_path, SMALL.replace(*change, 1)))
    assert str(tmp_path / "farm.toml") in str(error.value)


def test_twins_do_not_share_a_unit(tmp_path: Path) -> None:
    twin = SMALL[SMALL.index("[[twins]]") :]
    with pytest.raises(FarmError, match="unit = 1 is given to 2 twins"):
        load(farm_file(tmp_path, SMALL + twin.replace("do-1", "do-2")))
    with pytest.raises(FarmError, match="name = 'do-1' is given 2 times"):
        load(farm_file(tmp_path, SMALL + twin))


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_a_signal_and_leaves_nothing(tmp_path: Path, ending: signal.Signals) -> None:
    path = farm_file(tmp_path, SMALL + '[lines.rs485]\npty = "ttyRS485"\n[ingest]\nport = 0\n')
    process = subprocess.Popen([sys.executable, "-m", "simulators", str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(5)]
    assert "do-1: renke-rs-ldo-n01, unit 1" in "".join(told)
    link = tmp_path / "ttyRS485"
    request = rtu_frame(1, bytes.fromhex("03 00 00 00 02"))
    with link.open("r+b", buffering=0) as port:
        os.write(port.fileno(), request)
    process.send_signal(ending)
    assert process.wait(20) == 0
    assert not link.is_symlink()
    process.stdout.close()


def test_the_command_tells_a_wrong_file(tmp_path: Path) -> None:
    path = farm_file(tmp_path, "sped = 1")
    run = subprocess.run([sys.executable, "-m", "simulators", str(path)], capture_output=True, text=True)
    assert run.returncode == 2
    assert "sped = 1: there is no such key" in run.stderr
