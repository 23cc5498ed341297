"""A right configuration: what it comes to."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from agent import config
from agent.checks import climatology, gross_range, night_oxygen, spike
from agent.config.limits import species_names
from agent.domain.alarm import TREND_KINDS, AlarmKind, Priority
from agent.domain.farm import MODBUS, Folder, Sensor, SerialLine, Span, TcpEndpoint
from agent.domain.quantity import Quantity
from agent.domain.sun import Place
from agent.feed import SparkplugSettings
from agent.notify import HookSettings, MailSettings
from agent.scores.probe_limits import limits_of
from cloud_sync.uplink.link import Link
from drivers import profile, profile_names
from tests.agent.gateway_file import right, write, write_secret


def loaded(folder: Path) -> config.Gateway:
    return config.load(write(folder, right()))


def sensor(gateway: config.Gateway, name: str) -> Sensor:
    return next(one for probe in gateway.probes for one in probe.sensors if str(one) == name)


def test_the_farm_is_as_it_is_written(tmp_path: Path) -> None:
    gateway = loaded(tmp_path)
    assert (gateway.gateway_id, gateway.site) == ("farm-1", "North pond")
    assert [tank.name for tank in gateway.tanks] == ["tank-1", "tank-2"]
    assert [(probe.name, probe.bus, probe.unit, probe.period_s) for probe in gateway.probes] == [
        ("do-1", "rs485", 1, 5.0),
        ("ph-1", "uart", 0, 5.0),
        ("do-1", "lan", 1, 60.0),
    ]
    assert [bus.port for bus in gateway.buses] == [
        SerialLine(str(tmp_path / "ttyUSB0")),
        TcpEndpoint("10.0.0.7", 502),
        SerialLine("/dev/ttyAMA0"),
    ]
    assert [(sink.name, sink.kind) for sink in gateway.sinks] == [("archive", "archive"), ("cloud", "http")]


def test_every_kind_of_bus_has_its_port_its_patience_and_its_addresses(tmp_path: Path) -> None:
    document = right()
    document["buses"] |= {
        "wells": {"protocol": "sdi-12", "device": "/dev/ttyACM0", "baud": 1200, "parity": "E", "data_bits": 7},
        "thermometers": {"protocol": "1-wire"},
    }
    places = [("wells", "meter-hydros-21", 3), ("thermometers", "ds18b20", "28-0316a2794aff")]
    document["probes"] += [
        {"name": bus, "tank": "tank-1", "bus": bus, "profile": model, "unit": unit} for bus, model, unit in places
    ]
    gateway = config.load(write(tmp_path, document))
    assert [(bus.port, bus.timeout_s) for bus in gateway.buses[3:]] == [
        (SerialLine("/dev/ttyACM0", 1200, "E", data_bits=7), 1.0),
        (Folder("/sys/bus/w1/devices"), 5.0),
    ]
    assert [probe.unit for probe in gateway.probes[3:]] == ["3", "28-0316a2794aff"]


def test_a_compensation_is_a_sensor_of_the_tank_and_how_old_it_may_be(tmp_path: Path) -> None:
    document = right()
    document["probes"][0]["period_s"] = 30
    document["probes"][1]["compensation"] = {"temperature": "do-1/temperature"}
    gateway = config.load(write(tmp_path, document))
    (compensation,) = gateway.probes[1].compensation
    assert compensation.sensor is sensor(gateway, "tank-1/do-1/temperature")
    assert compensation.max_age_s == 90, "three turns of that probe"
    document["probes"][1]["compensation"]["max_age_s"] = 45
    (compensation,) = config.load(write(tmp_path, document)).probes[1].compensation
    assert compensation.max_age_s == 45


def test_every_sink_has_its_link(tmp_path: Path) -> None:
    document = right()
    document["sinks"]["cloud"] |= {"metered": True, "max_kbit_s": 64, "clock_patience_s": 60}
    write(tmp_path, document)
    archive, cloud = config.load(tmp_path / "gateway.toml").sinks
    assert archive.link == Link()
    assert cloud.link == Link(metered=True, max_kbit_s=64.0, clock_patience_s=60.0)
    assert cloud.settings.url == "https://cloud.example/in"


def test_relative_paths_are_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = right()
    document["sinks"]["cloud"]["ca_file"] = "cloud-ca.pem"
    write(tmp_path, document)
    monkeypatch.chdir("/")
    gateway = config.load(tmp_path / "gateway.toml")
    assert gateway.state_dir == tmp_path / "state"
    assert gateway.store.path == tmp_path / "state" / "ring-buffer.sqlite"
    assert gateway.status_file == tmp_path / "state" / "status.json"
    assert gateway.mqtt.ca_file == str(tmp_path / "ca.pem")
    assert gateway.sinks[0].settings.folder == tmp_path / "archive"
    assert gateway.sinks[1].settings.ca_file == tmp_path / "cloud-ca.pem"


def test_the_gateway_is_an_edge_node_where_a_group_is_named(tmp_path: Path) -> None:
    document = right()
    assert config.load(write(tmp_path, document)).mqtt.sparkplug is None
    document["mqtt"]["sparkplug"] = {"group_id": "farm"}
    gateway = config.load(write(tmp_path, document))
    assert gateway.mqtt.sparkplug == SparkplugSettings("farm", gateway.gateway_id)
    document["mqtt"]["sparkplug"] |= {"edge_node_id": "hall", "primary_host": "scada"}
    assert config.load(write(tmp_path, document)).mqtt.sparkplug == SparkplugSettings("farm", "hall", "scada")


def test_the_same_names_are_the_same_series_on_every_machine(tmp_path: Path) -> None:
    gateway = loaded(tmp_path)
    ids = [one.sensor_id for probe in gateway.probes for one in probe.sensors]
    assert len(set(ids)) == len(ids)
    assert sensor(gateway, "tank-1/ph-1/ph").sensor_id == UUID("057b8ef9-4e98-5167-98b0-bd120c193d59")
    (tmp_path / "elsewhere").mkdir()
    assert [one.sensor_id for probe in loaded(tmp_path / "elsewhere").probes for one in probe.sensors] == ids


def test_an_id_that_is_given_is_kept(tmp_path: Path) -> None:
    document, given = right(), "123e4567-e89b-12d3-a456-426614174000"
    document["probes"][1]["sensors"] = {"ph": {"sensor_id": given}}
    assert sensor(config.load(write(tmp_path, document)), "tank-1/ph-1/ph").sensor_id == UUID(given)


def test_a_sensor_can_be_switched_off(tmp_path: Path) -> None:
    document = right()
    document["probes"][0]["sensors"] = {"temperature": {"enabled": False}}
    gateway = config.load(write(tmp_path, document))
    assert [one.channel for one in gateway.probes[0].sensors] == [
        one.channel for one in loaded(tmp_path).probes[0].sensors if one.channel != "temperature"
    ]


def test_secrets_come_from_files_and_cannot_be_printed(tmp_path: Path) -> None:
    gateway = loaded(tmp_path)
    assert gateway.mqtt.password is not None
    assert gateway.mqtt.password.reveal() == "hunter2"
    assert gateway.sinks[1].settings.api_key.reveal() == "k3y"
    assert "hunter2" not in repr(gateway)
    assert "k3y" not in repr(gateway)


def test_a_kafka_sink_finds_its_secrets_and_files_beside_the_file(tmp_path: Path) -> None:
    document = right()
    write_secret(tmp_path / "kafka.secret", "sesame")
    document["sinks"]["kafka"] = {
        "kind": "kafka",
        "bootstrap_servers": "kafka-1:9093,kafka-2:9093",
        "registry_url": "https://registry.example.com/",
        "user": "hall-1",
        "password": {"file": "kafka.secret"},
        "ca_file": "kafka-ca.pem",
        "max_kbit_s": 64,
    }
    chosen = config.load(write(tmp_path, document)).sinks[-1]
    assert (chosen.kind, chosen.settings.password.reveal()) == ("kafka", "sesame")
    assert (chosen.settings.ca_file, chosen.link.max_kbit_s) == (tmp_path / "kafka-ca.pem", 64)


def test_secrets_come_from_systemd_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "mqtt").write_text("hunter3\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    document = right()
    document["mqtt"]["password"] = {"credential": "mqtt"}
    gateway = config.load(write(tmp_path, document))
    assert gateway.mqtt.password is not None
    assert gateway.mqtt.password.reveal() == "hunter3"


def test_credentials_of_the_service_keep_no_command_by_hand_from_looking(tmp_path: Path) -> None:
    document = right()
    document["mqtt"]["password"] = {"credential": "mqtt"}
    path = write(tmp_path, document)
    assert repr(config.load(path).mqtt.password) == 'Secret({credential = "mqtt"})'
    with pytest.raises(config.ConfigError) as caught:
        config.load_apart(path)  # for the gateway that is to run
    (problem,) = caught.value.problems
    assert (problem.key, problem.reason) == ("mqtt.password", "systemd gave no credentials to this process")


def test_the_environment_overrides_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AQUA_MQTT__HOST": "broker",
        "AQUA_MQTT__PORT": "1884",
        "AQUA_GATEWAY__STATE_DIR": "elsewhere",
        "AQUA_SINKS__ARCHIVE__FOLDER": "/archive",
        "AQUA_SINKS__CLOUD__API_KEY__FILE": "mqtt.secret",
    }.items():
        monkeypatch.setenv(name, value)
    gateway = loaded(tmp_path)
    assert (gateway.mqtt.host, gateway.mqtt.port, gateway.mqtt.username) == ("broker", 1884, "gateway")
    assert gateway.state_dir == tmp_path / "elsewhere"
    assert gateway.sinks[0].settings.folder == Path("/archive")
    assert gateway.sinks[1].settings.api_key.reveal() == "hunter2"


def test_seasons_are_written_as_tables(tmp_path: Path) -> None:
    document = right()
    winter = {"span": {"low": 6, "high": 9}, "months": [11, 2], "hours": [0, 11]}
    dates = [datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 7, 2, tzinfo=UTC)]
    visit = {"span": {"low": 5, "high": 9}, "between": dates}
    document["checks"]["pH"]["climatology"] = {"seasons": [winter, visit]}
    gateway = config.load(write(tmp_path, document))
    limits = gateway.checks[sensor(gateway, "tank-1/ph-1/ph")]["climatology"]
    assert limits.seasons[0] == climatology.Season(Span(6, 9), months=(11, 2), hours=(0, 11))
    assert limits.seasons[1].between == tuple(dates)


def test_checks_are_the_defaults_with_the_file_over_them(tmp_path: Path) -> None:
    gateway = loaded(tmp_path)
    ph = gateway.checks[sensor(gateway, "tank-1/ph-1/ph")]
    assert ph["spike"] == spike.Limits(0.2, 0.4)
    assert "z_score" not in ph
    assert ph["gross_range"] == gross_range.Limits(sensor(gateway, "tank-1/ph-1/ph").span, Span(4, 11))


def test_what_a_probe_is_judged_by_are_the_defaults_with_the_file_over_them(tmp_path: Path) -> None:
    document = right() | {"probe_health": {"pH": {"calibration_age_days": 60}}}
    gateway = config.load(write(tmp_path, document))
    ph = gateway.probe_limits(sensor(gateway, "tank-1/ph-1/ph"))
    assert ph == replace(limits_of(Quantity.PH), calibration_age_days=60.0)
    oxygen = sensor(gateway, "tank-1/do-1/dissolved_oxygen")
    assert gateway.probe_limits(oxygen) == limits_of(Quantity.DISSOLVED_OXYGEN)


def test_alarms_are_the_species_with_the_tank_over_them(tmp_path: Path) -> None:
    document = right()
    document["tanks"][0]["limits"] = {"pH": {"high": 8.5, "on_delay_s": 90}}
    gateway = config.load(write(tmp_path, document))
    named = {str(alarm): (alarm.limit, alarm.deadband, alarm.on_delay_s) for alarm in gateway.alarms}
    assert named["tank-1/ph-1/ph/high"] == (8.5, 0.05, 90)
    assert named["tank-1/ph-1/ph/critical_low"] == (5.0, 0.05, 90)
    assert named["tank-2/do-1/dissolved_oxygen/low"] == (5.0, 0.4, 5.0)
    assert named["tank-2/do-1/salinity/no_valid_data"] == (None, 0.0, 120.0)
    assert "tank-2/do-1/temperature/low" not in named


def test_a_tank_says_over_the_farm_what_it_wants_of_a_kind(tmp_path: Path) -> None:
    document = right()
    document["alarms"] = {
        "realarm_s": 1800,
        "kinds": {
            "low": {"priority": "advisory", "acknowledges_itself": True, "on_delay_s": 300},
            "bus_down": {"latching": True},
        },
    }
    document["tanks"][0]["limits"] = {"pH": {"on_delay_s": 90}}
    document["tanks"][1]["alarms"] = {"low": {"priority": "critical"}}
    alarms = {str(alarm): alarm for alarm in config.load(write(tmp_path, document)).alarms}
    ph, oxygen = alarms["tank-1/ph-1/ph/low"], alarms["tank-2/do-1/dissolved_oxygen/low"]
    assert (ph.priority, ph.acknowledges_itself, ph.on_delay_s, ph.realarm_s) == (Priority.ADVISORY, True, 90, 1800)
    assert (oxygen.priority, oxygen.acknowledges_itself, oxygen.on_delay_s) == (Priority.CRITICAL, False, 300)
    assert alarms["gateway/bus/lan/bus_down"].latches


@pytest.mark.parametrize(
    ("density", "priority", "patience_s"),
    [
        (None, Priority.CRITICAL, 90),
        (120, Priority.CRITICAL, 60),
        (40, Priority.CRITICAL, 60),
        (20, Priority.WARNING, 90),
    ],
)
def test_a_lost_oxygen_probe_is_critical_where_fish_stand_dense(
    tmp_path: Path, density: float | None, priority: Priority, patience_s: float
) -> None:
    document = right() | {"alarms": {"no_valid_data_s": 90}}
    document["tanks"][0] |= {} if density is None else {"density_kg_m3": density}
    alarms = {str(alarm): alarm for alarm in config.load(write(tmp_path, document)).alarms}
    for kind in ("no_valid_data", "sensor_failed"):
        oxygen, warmth = alarms[f"tank-1/do-1/dissolved_oxygen/{kind}"], alarms[f"tank-1/do-1/temperature/{kind}"]
        assert (oxygen.priority, oxygen.on_delay_s) == (priority, patience_s)
        assert (warmth.priority, warmth.on_delay_s) == (Priority.WARNING, 90)


def test_a_limit_may_depend_on_the_temperature(tmp_path: Path) -> None:
    document = right()
    document["tanks"][0]["species"] = "atlantic-salmon"
    alarms = {str(alarm): alarm for alarm in config.load(write(tmp_path, document)).alarms}
    low = alarms["tank-1/do-1/saturation/low"]
    assert (low.limit, low.by_temperature) == (76.0, ((7.0, 42.0), (19.0, 76.0)))
    assert [low.limit_at(warmth) for warmth in (None, 2.0, 7.0, 13.0, 19.0, 25.0)] == [76, 42, 42, 59, 76, 76]


def test_other_ways_out_are_configured_with_their_secrets(tmp_path: Path) -> None:
    document = right()
    document["notify"] = {
        "siren": {
            "kind": "command", "command": ["/bin/sh", "-c", "true"], "priorities": ["critical"], "kinds": ["low"],
        },
        "letters": {
            "kind": "mail", "host": "smtp.example", "sender": "gw@farm.example", "to": ["ana@farm.example"],
            "username": "gw", "password": {"file": "mqtt.secret"},
        },
    }  # fmt: skip
    gateway = config.load(write(tmp_path, document))
    siren, letters = gateway.notify
    assert siren.settings == HookSettings(("/bin/sh", "-c", "true"))
    assert (siren.wanted.priorities, siren.wanted.kinds) == ((Priority.CRITICAL,), (AlarmKind.LOW,))
    assert isinstance(letters.settings, MailSettings)
    assert (letters.settings.port, letters.settings.security) == (587, "starttls")
    assert letters.settings.password is not None
    assert letters.settings.password.reveal() == "hunter2"
    silent = {str(alarm.source) for alarm in gateway.alarms if alarm.kind is AlarmKind.NOTIFY_SILENT}
    assert silent == {"gateway/notify/siren", "gateway/notify/letters"}


def test_every_species_of_the_table_can_be_configured(tmp_path: Path) -> None:
    for species in species_names():
        if species != "custom":
            document = right()
            document["tanks"][0]["species"] = species
            assert config.load(write(tmp_path, document)).alarms


def test_every_modbus_model_of_the_library_can_be_configured(tmp_path: Path) -> None:
    names = [name for name in profile_names() if profile(name).protocols == MODBUS]
    document = right()
    document["probes"] = [
        {"name": name, "tank": "tank-1", "bus": "rs485", "profile": name, "unit": unit}
        for unit, name in enumerate(names, 1)
    ]
    gateway = config.load(write(tmp_path, document))
    assert [probe.profile for probe in gateway.probes] == names
    assert len(names) >= 20


def test_where_the_place_is_known_saturation_is_watched_at_night(tmp_path: Path) -> None:
    document = right()
    document["gateway"] |= {"latitude": 54.3, "longitude": 10.1}
    document["checks"] = {"DissolvedOxygenSaturation": {"night_oxygen": {"percent": 150}}}
    saturation = Quantity.DISSOLVED_OXYGEN_SATURATION
    found = [
        limits["night_oxygen"]
        for sensor, limits in config.load(write(tmp_path, document)).checks.items()
        if sensor.quantity is saturation
    ]
    assert found
    assert set(found) == {night_oxygen.Limits(150, latitude=54.3, longitude=10.1)}
    assert not any("night_oxygen" in limits for limits in loaded(tmp_path).checks.values()), "nobody knows where it is"


def test_of_a_pond_the_dawn_can_be_foreseen(tmp_path: Path) -> None:
    document = right()
    document["gateway"] |= {"latitude": 15.0, "longitude": -87.5}
    document["tanks"][1]["limits"]["DissolvedOxygen"]["dawn"] = True
    (dawn,) = [one for one in config.load(write(tmp_path, document)).alarms if one.kind is AlarmKind.DAWN_MINIMUM]
    assert str(dawn) == "tank-2/do-1/dissolved_oxygen/dawn_minimum"
    assert (dawn.priority, dawn.limit, dawn.place) == (Priority.WARNING, 3.0, Place(15.0, -87.5))
    assert dawn.advice is not None


def test_a_critical_limit_for_oxygen_is_warned_of_before_it_is_reached(tmp_path: Path) -> None:
    document = right()
    document["tanks"][1]["limits"]["DissolvedOxygen"] |= {"rate_of_fall": 0.3, "forecast_s": 600}
    document["tanks"][1]["limits"]["Temperature"] = {"critical_low": 4.0}
    document["tanks"][0]["limits"] = {"DissolvedOxygen": {"rate_of_fall": 0, "forecast_s": 0}}
    found = {str(alarm): alarm for alarm in config.load(write(tmp_path, document)).alarms if alarm.kind in TREND_KINDS}
    assert list(found) == ["tank-2/do-1/dissolved_oxygen/rate_of_fall", "tank-2/do-1/dissolved_oxygen/forecast"]
    rate, forecast = found.values()
    assert (rate.priority, rate.limit, round(rate.deadband, 6)) == (Priority.WARNING, 0.3, 0.1)
    assert (forecast.priority, forecast.limit, forecast.within_s) == (Priority.CRITICAL, 3.0, 600)
    usual = {str(alarm): alarm for alarm in loaded(tmp_path).alarms}
    assert usual["tank-1/do-1/dissolved_oxygen/rate_of_fall"].limit == 0.15
    assert usual["tank-1/do-1/dissolved_oxygen/forecast"].within_s == 900
