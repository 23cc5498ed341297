"""Every kind of mistake, told with its key, what stands there, why it is wrong and what to do."""

from pathlib import Path
from typing import Any

import pytest

from agent import config
from agent.config import ConfigError, Problem
from tests.agent.gateway_file import Document, right, write

UUID = "123e4567-e89b-12d3-a456-426614174000"
NAN, INF = float("nan"), float("inf")


def changed(path: str, value: Any) -> Document:
    """The right document with one entry changed: "tanks.0.name", or with a dash taken out: "-gateway"."""
    document = right()
    *way, last = path.removeprefix("-").split(".")
    place: Any = document
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
    if path.startswith("-"):
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    return document


def problems(folder: Path, document: Document, secrets: bool = True) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        config.load(write(folder, document, secrets))
    assert str(folder / "gateway.toml") in str(caught.value)
    for problem in caught.value.problems:
        assert problem.key in str(caught.value)
        assert problem.reason
        assert problem.remedy
    return list(caught.value.problems)


SIREN = {"kind": "command", "command": ["/bin/sh"]}
MAIL = {"kind": "mail", "host": "smtp.example", "sender": "gateway@farm.example", "to": ["ana@farm.example"]}
_KAFKA = {"kind": "kafka", "bootstrap_servers": "kafka-1:9093", "registry_url": "https://registry.example.com/"}

MISTAKES: list[tuple[str, Any, str, str, str]] = [
    # where, what is written there, the key that is told, words of the reason, words of the remedy
    ("gatway", {"id": "x"}, "gatway", "not a setting", "write gateway"),
    ("gateway.sight", "x", "gateway.sight", "not a setting", "write site"),
    (
        "tanks.1.limits.DissolvedOxygen.dawn", True,
        "tanks[1].limits.DissolvedOxygen.dawn", "when the sun rises", "latitude and longitude",
    ),
    ("tanks.1.limits.pH", {"dawn": True}, "tanks[1].limits.pH.dawn", "not fall by night", "DissolvedOxygen"),
    ("gateway.latitude", 54.3, "gateway.longitude", "is missing", "degrees"),
    ("gateway.latitude", 95, "gateway.latitude", "less than", "smaller"),
    (
        "checks.DissolvedOxygenSaturation.night_oxygen", {"percent": 150},
        "checks.DissolvedOxygenSaturation.night_oxygen", "needs latitude", "correct",
    ),
    ("gateway.id", "farm/1", "gateway.id", "pattern", "letters, digits"),
    ("gateway", 3, "gateway", "is no table", "[table]"),
    ("-gateway", None, "[gateway]", "is missing", "name-of-this-gateway"),
    ("-gateway.id", None, "gateway.id", "is missing", "add it"),
    ("mqtt.port", 70_000, "mqtt.port", "less than or equal to 65535", "smaller"),
    ("mqtt.port", "many", "mqtt.port", "valid integer", "whole number"),
    ("mqtt.password", "hunter2", "mqtt.password", "may not stand in this file", "password = {file"),
    ("mqtt.sparkplug", {}, "mqtt.sparkplug.group_id", "is missing", "add it"),
    ("mqtt.sparkplug", {"group_id": "a/b"}, "mqtt.sparkplug.group_id", "pattern", "letters, digits"),
    ("mqtt.sparkplug", {"group": "farm", "group_id": "farm"}, "mqtt.sparkplug.group", "not a setting", "group_id"),
    ("ring_buffer.size_mb", 1, "ring_buffer.size_mb", "greater than or equal to 8", "larger"),
    ("ring_buffer.commit_s", NAN, "ring_buffer.commit_s", "", ""),
    ("alarms", {"on_delay_s": -1}, "alarms.on_delay_s", "greater than or equal to 0", "larger"),
    ("-tanks", None, "[[tanks]]", "there is none", "add at least one"),
    ("tanks", {"name": "x"}, "[[tanks]]", "there is none", "add at least one"),
    ("tanks.1.name", "tank-1", "tanks[1].name", "another tank has this name", "own name"),
    ("tanks.1.name", "gateway", "tanks[1].name", "is taken", "choose another"),
    ("notify", {"a b": {"kind": "command", "command": ["/bin/sh"]}}, "notify.a b.name", "match", "letters"),
    ("notify", {"siren": 1}, "notify.siren", "no table", "notify.siren"),
    ("notify", {"siren": {}}, "notify.siren.kind", "no way out", "command, mail"),
    ("notify", {"siren": {"kind": "command", "command": []}}, "notify.siren.command", "at least 1", ""),
    ("notify", {"siren": {"kind": "command", "command": ["no.sh"]}}, "notify.siren.command", "no such file", "path"),
    ("notify", {"siren": SIREN | {"hots": 1}}, "notify.siren.hots", "not a setting", ""),
    ("notify", {"siren": SIREN | {"events": ["rung"]}}, "notify.siren.events[0]", "raised", ""),
    ("notify", {"mail": MAIL | {"to": ["ana"]}}, "notify.mail.to[0]", "match", ""),
    ("notify", {"mail": MAIL | {"security": "none"}}, "notify.mail", "on this machine only", ""),
    ("notify", {"mail": MAIL | {"username": "gw"}}, "notify.mail", "belong together", ""),
    ("notify", {"mail": MAIL | {"password": "hunter2"}}, "notify.mail.password", "may not stand", "file"),
    ("notify", {"mail": MAIL | {"ca_file": "no.pem"}}, "notify.mail.ca_file", "no such file", "certificate"),
    ("alarms.kinds", {"hihg": {}}, "alarms.kinds.hihg", "not a setting", "write high"),
    ("alarms.kinds", {"low": {"priority": "urgent"}}, "alarms.kinds.low.priority", "critical", ""),
    ("alarms.kinds", {"low": {"acknowledges_itself": True}}, "alarms.kinds.low", "only an alarm of priority", ""),
    ("tanks.0.alarms", {"hihg": {}}, "tanks[0].alarms.hihg", "not a setting", "write high"),
    ("tanks.0.species", "custom", "tanks[0].species", "says no limits itself", "tanks.limits"),
    ("tanks.1.limits.pH", {"low": {}}, "tanks[1].limits.pH.low", "finite number, or a table", "number"),
    ("tanks.1.limits.pH", {"low": {"warm": 7}}, "tanks[1].limits.pH.low", "finite number, or a table", "number"),
    ("tanks.1.limits.pH", {"low": {"7": 9}, "high": {"7": 10, "9": 8}}, "tanks[1].limits.pH", "at 9 °C", "order"),
    ("tanks.0.species", "unicorn", "tanks[0].species", "is not known", "tilapia"),
    ("tanks.1.limits.DissolvedOxygn", {}, "tanks[1].limits.DissolvedOxygn", "not a setting", "write DissolvedOxygen"),
    ("tanks.1.limits.pH", {"hihg": 9}, "tanks[1].limits.pH.hihg", "not a setting", "write high"),
    ("tanks.1.limits.pH", {"low": 9, "high": 6}, "tanks[1].limits.pH", "low (9) must be below high (6)", "order"),
    ("tanks.0.limits", {"pH": {"high": 5.5}}, "tanks[0].limits.pH", "low (6) must be below high (5.5)", "species"),
    ("tanks.1.limits.Salinity", {"low": 9, "critical_high": 9}, "tanks[1].limits.Salinity", "must be below", "order"),
    ("tanks.1.limits.pH", {"low": NAN}, "tanks[1].limits.pH.low", "finite", "number"),
    ("tanks.1.limits.pH", {"deadband": INF}, "tanks[1].limits.pH.deadband", "finite", "number"),
    ("buses", [], "buses", "is no table", "[buses]"),
    ("buses.rs485.protocol", "modbus", "buses.rs485.protocol", "'modbus-rtu'", "one of these"),
    ("buses.rs485.parity", "X", "buses.rs485.parity", "'N', 'E' or 'O'", "one of these"),
    ("-buses.rs485.device", None, "buses.rs485", "a modbus-rtu bus needs device", "correct it"),
    ("buses.lan.device", "/dev/x", "buses.lan", "has a host, no device", "correct it"),
    ("buses.uart.device", "./ttyUSB0", "buses.uart.device", "bus rs485 uses the same port", "one bus"),
    ("buses.two", {"protocol": "modbus-rtu-over-tcp", "host": "10.0.0.7"}, "buses.two.host", "bus lan uses", "one bus"),
    ("buses.two", {"protocol": "sdi-12"}, "buses.two", "a sdi-12 bus needs device", "correct it"),
    ("buses.two", {"protocol": "1-wire", "device": "/dev/x"}, "buses.two", "has a folder, no device", "correct it"),
    ("buses.uart.folder", "/sys/x", "buses.uart", "a serial-text bus has a device, no folder", "correct it"),
    ("buses.rs485.data_bits", 7, "buses.rs485", "a modbus-rtu bus needs data_bits = 8", "correct it"),
    ("-probes", None, "[[probes]]", "there is none", "add at least one"),
    ("probes.0.unit", 0, "probes[0].unit", "is no Modbus address", "1 to 247"),
    ("-probes.0.unit", None, "probes[0].unit", "is missing", "1 to 247"),
    ("probes.0.unit", "b", "probes[0].unit", "is no Modbus address", "1 to 247"),
    ("probes.0.unit", 1.5, "probes[0].unit", "an address is a whole number, or text", "correct it"),
    ("probes.0.unit", True, "probes[0].unit", "an address is a whole number, or text", "correct it"),
    ("probes.2.unit", 256, "probes[2].unit", "is no Modbus address", "1 to 247"),
    ("probes.0.period_s", 0, "probes[0].period_s", "greater than 0", "larger"),
    ("probes.0.profile", "renke-rs-ldo-n1", "probes[0].profile", "did you mean renke-rs-ldo-n01", "profile"),
    ("probes.0.tank", "tank-9", "probes[0].tank", "no such entry in [[tanks]] (tank-1, tank-2)", "correct the name"),
    ("probes.0.bus", "rs486", "probes[0].bus", "no such entry in [buses.<name>] (rs485, lan, uart)", "correct"),
    ("probes.0.bus", "uart", "probes[0].bus", "speaks serial-text, a renke-rs-ldo-n01 needs modbus", "protocol"),
    ("probes.1.bus", "lan", "probes[1].bus", "a atlas-ezo-ph needs serial-text", "protocol"),
    ("probes.0.sensors", {"oxigen": {}}, "probes[0].sensors.oxigen", "not a setting", "possible here"),
    ("checks.Ph", {}, "checks.Ph", "not a setting", "write pH"),
    ("checks.pH", 3, "checks.pH", "is no table", "[checks.pH]"),
    ("checks.pH.spik", {}, "checks.pH.spik", "not a setting", "write spike"),
    ("checks.pH.spike", True, "checks.pH.spike", "no table of limits", "false to switch it off"),
    ("checks.pH.spike", {"suspct": 1}, "checks.pH.spike.suspct", "not a setting", "write suspect"),
    ("checks.pH.spike", {"suspect": 2, "fail": 1}, "checks.pH.spike", "needs 0 < suspect <= fail", "correct"),
    ("checks.pH.gross_range", {"user": {"low": 9, "high": 4}}, "checks.pH.gross_range", "low below high", "correct"),
    (
        "checks.pH.gross_range", {"user": {"low": 4, "high": 9, "hi": 3}}, "checks.pH.gross_range.user.hi",
        "not a setting", "write high",
    ),
    ("probe_health.Ph", {}, "probe_health.Ph", "not a setting", "write pH"),
    ("probe_health.pH", 3, "probe_health.pH", "is no table", "[probe_health.pH]"),
    ("probe_health.pH.cap_age", 3, "probe_health.pH.cap_age", "not a setting", "write cap_age_days"),
    ("probe_health.pH.cap_age_days", 0, "probe_health.pH", "needs every limit above 0", "correct"),
    ("probe_health.pH.gap_share", 1.5, "probe_health.pH", "of at most 1", "correct"),
    ("probe_health.pH.gap_share", "x", "probe_health.pH.gap_share", "number", ""),
    ("checks.Salinity.spike", {"suspect": 2}, "checks.Salinity.spike.fail", "is missing", "add it"),
    (
        "checks.pH.climatology", {"seasons": [{"span": {"low": 6, "high": 9}, "month": [1, 3]}]},
        "checks.pH.climatology.seasons[0].month", "not a setting", "write months",
    ),
    (
        "checks.pH.climatology", {"seasons": [{"span": {"low": 6, "high": 9}, "months": [0, 3]}]},
        "checks.pH.climatology.seasons[0]", "months from 1 to 12", "correct",
    ),
    (
        "checks.pH.multi_variate", {"other": "Oxygen", "step": 1, "other_step": 1}, "checks.pH.multi_variate",
        "DissolvedOxygen", "correct",
    ),
    ("checks.pH.neighbour", {"within_s": 7200}, "checks.pH.neighbour", "within_s <= 1800", "correct"),
    ("checks.pH.previous_spike", {"method": "median"}, "checks.pH.previous_spike.method", "'average'", "one of"),
    ("sinks", 3, "sinks", "is no table", "[sinks]"),
    ("sinks.cloud", "x", "sinks.cloud", "is no table", "[sinks.cloud]"),
    ("sinks.mqtt", {"kind": "archive", "folder": "x"}, "sinks.mqtt", "local alarm feed", "another name"),
    ("sinks.cloud.kind", "carrier-pigeon", "sinks.cloud.kind", "not a kind of sink", "archive, http, kafka"),
    ("sinks.cloud.kind", ["http"], "sinks.cloud.kind", "not a kind of sink", "archive, http, kafka"),
    ("-sinks.cloud.kind", None, "sinks.cloud.kind", "is missing", "archive, http, kafka"),
    ("sinks.cloud.ulr", "x", "sinks.cloud.ulr", "not a setting", "write url"),
    ("sinks.cloud.meterd", True, "sinks.cloud.meterd", "not a setting", "write metered"),
    ("sinks.archive.max_kbit", 8, "sinks.archive.max_kbit", "not a setting", "write max_kbit_s"),
    ("sinks.cloud.metered", "perhaps", "sinks.cloud.metered", "bool", "write true or false"),
    ("sinks.cloud.max_kbit_s", 0, "sinks.cloud", "max_kbit_s must be between", "correct"),
    ("sinks.archive.max_kbit_s", "fast", "sinks.archive.max_kbit_s", "number", "write a number"),
    ("sinks.cloud.clock_patience_s", -1, "sinks.cloud", "clock_patience_s must be between", "correct"),
    ("sinks.cloud.api_key", "hunter2", "sinks.cloud.api_key", "may not stand in this file", "api_key = {file"),
    ("sinks.cloud.url", "https://me:hunter2@x", "sinks.cloud", "must not hold a user or password", "correct"),
    ("sinks.k", {"kind": "kafka", "registry_url": "https://r"}, "sinks.k.bootstrap_servers", "is missing", "add it"),
    ("sinks.k", {**_KAFKA, "password": "hunter2"}, "sinks.k.password", "may not stand in this file", "{file"),
    ("sinks.k", {**_KAFKA, "sasl_mechanism": "MD5"}, "sinks.k.sasl_mechanism", "input should be", "one of these"),
    ("sinks.k", {**_KAFKA, "user": "x"}, "sinks.k", "user needs password", "correct"),
    ("sinks.archive.level", 99, "sinks.archive", "level must be between", "correct"),
    ("-sinks.archive.folder", None, "sinks.archive.folder", "is missing", "add it"),
    ("sinks.cloud.api_key", {"file": "none.secret"}, "sinks.cloud.api_key", "none.secret cannot be read", "readable"),
    ("gateway.state_dir", "a\0b", "gateway.state_dir", "NUL", "remove"),
]  # fmt: skip


@pytest.mark.parametrize(("where", "value", "key", "reason", "remedy"), MISTAKES, ids=lambda part: str(part)[:40])
def test_a_mistake_is_told_once_with_its_reason_and_remedy(
    tmp_path: Path, where: str, value: Any, key: str, reason: str, remedy: str
) -> None:
    told = problems(tmp_path, changed(where, value))
    mine = [problem for problem in told if problem.key == key]
    assert len(mine) == 1, told
    assert reason in mine[0].reason
    assert remedy in mine[0].remedy
    assert not any("hunter2" in str(problem) for problem in told)


@pytest.mark.parametrize(
    ("compensation", "key", "reason"),
    [
        (
            {"temperature": "do-9/temperature"},
            "temperature",
            "no such sensor in tank-1 (do-1/temperature, rtd-1/temper",
        ),
        ({"temperature": "do-1/saturation"}, "temperature", "that measures DissolvedOxygenSaturation"),
        ({"salinity": "do-1/salinity"}, "salinity", "a atlas-ezo-ph cannot be told the salinity"),
        ({"temperature": "rtd-1/temperature", "max_age_s": 300}, "max_age_s", "rtd-1 is read every 600 s only"),
        ({"temperatur": "x"}, "temperatur", "not a setting"),
        ({"temperature": 17.5}, "temperature", "string"),
    ],
)
def test_a_compensation_names_a_sensor_of_the_tank_that_fits(
    tmp_path: Path, compensation: dict[str, Any], key: str, reason: str
) -> None:
    document = right()
    document["buses"]["uart2"] = {"protocol": "serial-text", "device": "/dev/ttyAMA1"}
    document["probes"] += [
        {"name": "rtd-1", "tank": "tank-1", "bus": "uart2", "profile": "atlas-ezo-rtd", "period_s": 600}
    ]
    document["probes"][1]["compensation"] = compensation
    told = problems(tmp_path, document)
    assert [problem.key for problem in told] == [f"probes[1].compensation.{key}"]
    assert reason in told[0].reason


def test_a_broken_neighbour_is_blamed_alone(tmp_path: Path) -> None:
    document = changed("probes.0.profile", "no-such-model")
    document["probes"][1]["compensation"] = {"temperature": "do-1/temperature"}
    assert [problem.key for problem in problems(tmp_path, document)] == ["probes[0].profile"]


@pytest.mark.parametrize(
    ("protocol", "profile", "units", "words"),
    [
        ("sdi-12", "meter-hydros-21", ["ab"], "is no SDI-12 address"),
        ("sdi-12", "meter-hydros-21", [None], "is missing"),
        ("sdi-12", "meter-hydros-21", [3, "3"], "has the same address"),
        ("1-wire", "ds18b20", [1], "is no 1-Wire name"),
        ("1-wire", "ds18b20", ["28-0316A2794AFF"], "is no 1-Wire name"),
        ("serial-text", "meter-hydros-21", ["0"], "needs sdi-12"),
    ],
)
def test_an_address_is_one_of_its_bus(
    tmp_path: Path, protocol: str, profile: str, units: list[Any], words: str
) -> None:
    document = right()
    document["buses"]["more"] = {"protocol": protocol, **({} if protocol == "1-wire" else {"device": "/dev/x"})}
    document["probes"] += [
        {
            "name": f"p{n}",
            "tank": "tank-1",
            "bus": "more",
            "profile": profile,
            **({} if unit is None else {"unit": unit}),
        }
        for n, unit in enumerate(units)
    ]
    told = problems(tmp_path, document)
    assert len(told) == 1
    assert words in told[0].reason


def test_the_value_that_is_wrong_is_shown(tmp_path: Path) -> None:
    document = changed("mqtt.port", 70_000)
    document["tanks"][0]["species"] = "uni\ncorn"
    shown = {problem.key: problem.value for problem in problems(tmp_path, document)}
    assert shown == {"mqtt.port": "70000", "tanks[0].species": '"uni\\ncorn"'}


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    document = right()
    document["gatway"] = 1
    document["mqtt"] |= {"password": "hunter2"}
    document["tanks"][0]["species"] = "unicorn"
    document["buses"]["uart"]["device"] = "ttyUSB0"
    document["probes"][0] |= {"profile": "nothing", "tank": "nowhere", "bus": "none"}
    document["probes"][1]["period_s"] = -1
    document["checks"]["pH"]["spike"] = {"suspect": 3, "fail": 1}
    document["sinks"]["cloud"]["api_key"] = {"file": "none"}
    document["sinks"]["cloud"]["max_kbit_s"] = "fast"
    document["sinks"]["archive"]["kind"] = "tape"
    assert {problem.key for problem in problems(tmp_path, document)} == {
        "gatway", "mqtt.password", "tanks[0].species", "buses.uart.device", "probes[0].profile", "probes[0].tank",
        "probes[0].bus", "probes[1].period_s", "checks.pH.spike", "sinks.cloud.api_key", "sinks.archive.kind",
        "sinks.cloud.max_kbit_s",
    }  # fmt: skip


def test_two_probes_cannot_share_an_address_or_a_text_line_or_a_name(tmp_path: Path) -> None:
    document = right()
    document["probes"] += [
        {"name": "do-2", "tank": "tank-1", "bus": "rs485", "profile": "renke-rs-ldo-n01", "unit": 1},
        {"name": "do-3", "tank": "tank-1", "bus": "uart", "profile": "atlas-ezo-do"},
        {"name": "ph-1", "tank": "tank-1", "bus": "rs485", "profile": "seeed-s-ph-01", "unit": 2},
    ]
    assert [(problem.key, problem.reason) for problem in problems(tmp_path, document)] == [
        ("probes[3].unit", "do-1 has the same address on bus rs485: both would answer at once"),
        ("probes[4].bus", "ph-1 is on uart already, and this kind of line carries one probe"),
        ("probes[5].name", "another probe of this tank has this name"),
    ]


def test_two_probes_may_be_one_device_whose_sensors_they_share_out(tmp_path: Path) -> None:
    def shared(**other: object) -> list[str]:
        document = right() | {"gatway": {}}
        one = {"bus": "rs485", "profile": "seeed-s-ph-01", "unit": 9, "tank": "tank-1"}
        document["probes"] += [
            one | {"name": "left", "sensors": {"temperature": {"enabled": False}}},
            one | {"name": "right", "sensors": {"ph": {"enabled": False}}} | other,
        ]
        return [problem.key for problem in problems(tmp_path, document)]

    assert shared() == ["gatway"]
    assert shared(sensors={}) == ["gatway", "probes[4].unit"]
    assert shared(period_s=9.0) == ["gatway", "probes[4].unit"]


def test_no_probe_is_asked_more_often_than_it_bears(tmp_path: Path) -> None:
    document = right()
    document["probes"][0] |= {"profile": "yosemitech-y504a", "period_s": 0.5}
    (problem,) = problems(tmp_path, document)
    assert (problem.key, problem.reason) == (
        "probes[0].period_s",
        "a yosemitech-y504a must not be asked more often than every 1 s",
    )


def test_two_sensors_or_tanks_cannot_have_one_id(tmp_path: Path) -> None:
    document = right()
    document["tanks"][0]["tank_id"] = document["tanks"][1]["tank_id"] = UUID
    document["probes"][1]["sensors"] = {"ph": {"sensor_id": UUID}}
    assert [(problem.key, problem.reason) for problem in problems(tmp_path, document)] == [
        ("tanks[1].tank_id", "tanks[0].tank_id is the same"),
        ("probes[1].sensors.ph.sensor_id", "tanks[0].tank_id is the same"),
    ]


def test_what_refers_to_a_broken_entry_is_not_blamed_a_second_time(tmp_path: Path) -> None:
    document = changed("buses.rs485.baud", "fast")
    document["tanks"][0]["speces"] = "tilapia"
    assert {problem.key for problem in problems(tmp_path, document)} == {"buses.rs485.baud", "tanks[0].speces"}


@pytest.mark.parametrize("secret", [b"", b"\n", b"\xff\xfe\0"], ids=["empty", "blank", "binary"])
def test_a_secret_without_text_is_told(tmp_path: Path, secret: bytes) -> None:
    write(tmp_path, right())
    (tmp_path / "mqtt.secret").write_bytes(secret)
    with pytest.raises(ConfigError) as caught:
        config.load(tmp_path / "gateway.toml")
    assert [problem.key for problem in caught.value.problems] == ["mqtt.password"]
    assert caught.value.problems[0].value == '{file = "mqtt.secret"}'


def test_missing_secret_files_are_all_told(tmp_path: Path) -> None:
    assert [problem.key for problem in problems(tmp_path, right(), secrets=False)] == [
        "mqtt.password",
        "sinks.cloud.api_key",
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[gateway\nid = 1", "is not TOML"),
        (b"id = \xff", "is not UTF-8"),
        (b"a = " + b"[" * 5000, "is not TOML"),
        (None, "there is no such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "gateway.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=reason):
        config.load(path)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        config.load(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"), [("AQUA_MQTT", "broker"), ("AQUA_SINKS__CLOUD", "x"), ("AQUA_GATEWAY", "3")]
)
def test_a_wrong_variable_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert problems(tmp_path, right())
