"""A configuration to begin with: what is asked, what is taken without asking, and what is never done unasked."""

import stat
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given as whenever
from hypothesis import strategies as st

from agent import config
from agent.__main__ import main
from agent.config.example import BROKER_PASSWORD, example
from agent.domain.errors import AquaError
from agent.domain.farm import Protocol, SerialLine, TcpEndpoint
from agent.scan.ports import serial_ports, thermometers
from agent.scan.search import Found
from agent.scan.tries import Line
from agent.setup.draft import Draft, LineDraft, ProbeDraft, TankDraft, text
from agent.setup.given import Given
from agent.setup.interview import interview
from agent.setup.lines import Hardware, Lines
from agent.setup.questions import Questions
from agent.setup.written import is_anothers, write

ARGUMENTS = ["init", "--yes", "--no-scan", "--id", "hall-1", "--port", "/dev/ttyUSB0"]
PROBE = ["--probe", "tank-1/do-1=yosemitech-y504a@3"]
NINE_SIX, FOUR_EIGHT = Line(9600, "N", 1), Line(4800, "N", 1)


class Asked(Questions):
    """Answers in order, then defaults; `said` is all that was shown."""

    def __init__(self, *answers: str, present: bool = True) -> None:
        self.said: list[str] = []
        self._answers = iter(answers)
        super().__init__(self._next, self.said.append, present)

    def _next(self, prompt: str) -> str:
        self.said.append(prompt)
        return next(self._answers, "")


class Heard:
    """A search that found these."""

    def __init__(self, found: Sequence[Found]) -> None:
        self.found = found


def begun(
    given: Given,
    ask: Questions,
    *found: Found,
    folder: Path = Path("/etc/aquacontrol"),
    thermometers: Sequence[str] = (),
) -> Draft:
    hardware = Hardware(["/dev/ttyUSB0"], thermometers, lambda settings: Heard(found))  # type: ignore[arg-type,return-value]
    return interview(given, ask, Lines(ask, hardware), folder, "aqua pi")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "gateway.toml"


def test_with_all_that_matters_given_nothing_is_asked_and_the_loader_takes_it(file: Path) -> None:
    assert main([*ARGUMENTS, *PROBE, "--config", str(file)]) == 0
    gateway = config.load(file)
    (probe,) = gateway.probes
    assert (probe.tank.name, probe.name, probe.profile, probe.unit) == ("tank-1", "do-1", "yosemitech-y504a", 3)
    assert gateway.sinks == []
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_file_that_somebody_has_made_his_own_is_kept_unless_told_otherwise(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("# mine\n")
    assert main([*ARGUMENTS, *PROBE, "--config", str(file)]) == 1
    assert file.read_text() == "# mine\n"
    assert "--replace" in capsys.readouterr().err
    assert main([*ARGUMENTS, *PROBE, "--replace", "--config", str(file)]) == 0
    assert (file.parent / "gateway.toml.old").read_text() == "# mine\n"
    assert config.load(file).gateway_id == "hall-1"


@pytest.mark.parametrize("with_password", [False, True])
def test_the_example_of_the_installation_is_nobodys(file: Path, with_password: bool) -> None:
    assert not is_anothers(file)
    file.write_text(example(with_password))
    assert not is_anothers(file)
    file.write_text("# mine\n")
    assert is_anothers(file)


@pytest.mark.parametrize(("broker", "named"), [("127.0.0.1", True), ("broker.example", False)])
def test_the_local_broker_is_told_the_name_that_the_installation_gave(file: Path, broker: str, named: bool) -> None:
    (file.parent / BROKER_PASSWORD).touch(0o600)
    (file.parent / BROKER_PASSWORD).write_text("shoal")
    assert main([*ARGUMENTS, *PROBE, "--mqtt", broker, "--config", str(file)]) == 0
    assert (config.load(file).mqtt.username == "gateway") is named


def test_what_the_loader_refuses_is_not_written(file: Path) -> None:
    file.write_text("# before\n")
    with pytest.raises(config.ConfigError, match=r"gateway\.toml: \d mistakes") as refused:
        write(file, "tanks = 3\n")
    assert ".new" not in str(refused.value)
    assert [path.name for path in file.parent.iterdir()] == ["gateway.toml"]
    assert file.read_text() == "# before\n"


@pytest.mark.parametrize(
    ("more", "because"),
    [
        ([], "name one with --probe"),
        (["--probe", "tank-1/do-1=unicorn@1"], "no probe profile is named 'unicorn'"),
        (["--probe", "do-1"], "write TANK/NAME=MODEL@UNIT"),
        (["--probe", "tank-1/t=ds18b20@28-00"], "a ds18b20 speaks 1-wire"),
        ([*PROBE, "--port", "tcp://plc:502"], "exactly one --port"),
        ([*PROBE, "--tank", "gateway"], "that name is taken"),
        ([*PROBE, "--mqtt", "broker:99999"], "HOST:PORT"),
        ([*PROBE, "--config", "/nowhere/gateway.toml"], "there is no folder /nowhere"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_written(
    more: list[str], because: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*ARGUMENTS, "--config", str(file), *more]) == 1
    assert because in capsys.readouterr().err
    assert not list(file.parent.iterdir())


def test_without_a_terminal_nothing_is_asked(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--config", str(file)]) == 1
    assert "--yes" in capsys.readouterr().err


def test_who_only_presses_enter_gets_limits_that_are_too_strict_rather_than_too_loose() -> None:
    ask = Asked()
    draft = begun(Given(), ask, Found(NINE_SIX, 1, ("yosemitech-y504a",), True))
    assert (draft.gateway_id, draft.site, draft.tanks) == (
        "aqua-pi",
        "aqua-pi",
        [TankDraft("tank-1", "atlantic-salmon")],
    )
    assert draft.broker == TcpEndpoint("127.0.0.1", 1883)
    assert draft.archive is None
    (line,) = draft.lines
    assert line.port == SerialLine("/dev/ttyUSB0", 9600, "N", 1)
    assert [(probe.name, probe.unit) for probe in line.probes] == [("do-1", 1)]


def test_a_line_has_one_setting_and_the_file_says_who_was_left_out() -> None:
    found = [
        Found(NINE_SIX, 1, ("seeed-s-ph-01",)),
        Found(FOUR_EIGHT, 2, ("renke-rs-ldo-n01",)),
        Found(NINE_SIX, 3, ("yosemitech-y504a",), True),
        Found(NINE_SIX, 9),
    ]
    (line,) = (draft := begun(Given(), Asked(), *found)).lines
    assert [(probe.name, probe.unit) for probe in line.probes] == [("ph-1", 1), ("do-1", 3)]
    written = text(draft)
    assert "# unit 2 answers at 4800 8N1: set it to 9600 8N1" in written
    assert "# unit 9 answers, but as no model of the library" in written
    assert 'profile = "seeed-s-ph-01"  # by its values: check the label' in written


def test_nobody_guesses_what_only_a_person_can_know() -> None:
    alone = Asked(present=False)
    with pytest.raises(AquaError, match="unit 1 may be a or b"):
        begun(Given(), alone, Found(NINE_SIX, 1, ("a", "b")))
    with pytest.raises(AquaError, match="in which tank do-1 hangs"):
        begun(Given(tanks=[("a", "tilapia"), ("b", "tilapia")]), alone, Found(NINE_SIX, 1, ("yosemitech-y504a",)))


def test_a_line_can_be_described_by_hand_and_takes_the_settings_of_its_first_probe() -> None:
    answers = [
        "/dev/ttyS1",
        "n",
        "y",
        "unicorn",
        "hamilton-arc-ph",
        "",
        "",
        "y",
        "atlas-ezo-ph",
        "hamilton-arc-do",
        "2",
    ]
    ask = Asked(*answers)
    (line,) = begun(Given("gw", "site", [("tank-1", "tilapia")]), ask).lines
    assert line.port == SerialLine("/dev/ttyS1", 19200, "N", 2)
    assert [(probe.name, probe.unit) for probe in line.probes] == [("ph-1", 1), ("do-1", 2)]
    assert any("it needs another line" in said for said in ask.said)


def test_thermometers_of_the_kernels_line_are_offered() -> None:
    ask = Asked("1-wire")
    draft = begun(Given("gw", "site", [("tank-1", "tilapia")]), ask, thermometers=["28-01", "28-02"])
    wire = next(line for line in draft.lines if line.protocol is Protocol.ONE_WIRE)
    assert [(probe.name, probe.unit) for probe in wire.probes] == [
        ("temperature-1", "28-01"),
        ("temperature-2", "28-02"),
    ]


def test_adapters_are_offered_by_the_name_that_lasts(tmp_path: Path) -> None:
    for name in ("ttyUSB0", "ttyUSB1", "ttyS0"):
        (tmp_path / name).touch()
    (tmp_path / "aqua").mkdir()
    (tmp_path / "aqua" / "A50285BI").symlink_to(tmp_path / "ttyUSB1")
    assert serial_ports(tmp_path) == [str(tmp_path / "ttyUSB0"), str(tmp_path / "aqua" / "A50285BI")]
    assert thermometers(tmp_path) == []


NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)


@whenever(st.text(), NAMES, st.one_of(st.integers(1, 247), NAMES), st.text(max_size=40).filter(lambda t: "\n" not in t))
def test_whatever_is_answered_stands_in_the_file(site: str, name: str, unit: int | str, device: str) -> None:
    if any(0xD800 <= ord(sign) <= 0xDFFF or ord(sign) == 0x7F for sign in site + device):
        return  # not what a terminal gives; the loader refuses it
    probe = ProbeDraft(name, "tank-1", "a-model", unit, 5.0)
    line = LineDraft(name, Protocol.MODBUS_RTU, SerialLine(device), [probe])
    broker = TcpEndpoint("broker", 1883)
    draft = Draft(name, site, "state", None, broker, True, False, [TankDraft(name, "tilapia")], [line], "state/archive")
    found = tomllib.loads(text(draft))
    assert found["gateway"] == {"id": name, "site": site, "state_dir": "state"}
    assert found["buses"][name]["device"] == device
    assert found["probes"][0]["unit"] == unit
    assert found["mqtt"]["tls"] is True
    assert found["sinks"] == {"archive": {"kind": "archive", "folder": "state/archive"}}
