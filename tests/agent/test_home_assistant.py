"""The discovery document has what Home Assistant demands, and nothing that it would refuse."""

import json
from typing import Any

import pytest

from agent.domain.alarm import Alarm, AlarmKind
from agent.domain.farm import Sensor, Tank
from agent.domain.quantity import Quantity
from agent.feed import MqttSettings
from agent.feed.home_assistant import HomeAssistant
from tests.agent.farm import OXYGEN, WARMTH, alarm

# Its core 2026.x: components/mqtt/schemas.py, and DEVICE_CLASS_UNITS in components/sensor/const.py.
UNITS: dict[str, set[str | None]] = {
    "temperature": {"°C", "°F", "K"},
    "ph": {None},
    "conductivity": {"S/cm", "mS/cm", "µS/cm"},
    "voltage": {"µV", "mV", "V", "kV", "MV"},
    "pressure": {"Pa", "hPa", "kPa", "bar", "cbar", "mbar", "mmHg", "inHg", "psi"},
}
NEEDS = {
    "sensor": {"platform", "unique_id", "state_topic"},
    "binary_sensor": {"platform", "unique_id", "state_topic"},
    "button": {"platform", "unique_id", "command_topic"},
}


class House:
    """What was published, for a gateway with these sensors and alarms."""

    def __init__(self, sensors: list[Sensor], alarms: list[Alarm]) -> None:
        self.published: list[tuple[str, bool]] = []
        self.gateway = HomeAssistant(
            MqttSettings(home_assistant=True),
            "gw",
            sensors,
            alarms,
            lambda topic, document, again: self.published.append((document, again)),
        )

    @property
    def components(self) -> dict[str, dict[str, Any]]:
        components: dict[str, dict[str, Any]] = json.loads(self.published[-1][0])["components"]
        return components


def test_a_document_has_the_keys_that_home_assistant_requires() -> None:
    house = House([OXYGEN, WARMTH], [alarm(), alarm(AlarmKind.CRITICAL_LOW)])
    house.gateway.announce()
    document = json.loads(house.published[0][0])
    assert document["device"]["identifiers"] == ["aqua_gw"]
    assert document["origin"]["name"]
    assert document["availability"] == [{"topic": "aqua/gw/status", "value_template": "{{ value_json.state }}"}]
    assert len(document["components"]) == 6
    for component in document["components"].values():
        assert component.keys() >= NEEDS[component["platform"]]
        if component["platform"] != "button":
            assert component["expire_after"] > 0
    unique = [component["unique_id"] for component in document["components"].values()]
    assert len(set(unique)) == len(unique)
    assert house.gateway.config_topic == "homeassistant/device/aqua_gw/config"


@pytest.mark.parametrize("quantity", Quantity)
def test_a_device_class_has_a_unit_that_belongs_to_it(quantity: Quantity) -> None:
    sensor = Sensor(OXYGEN.sensor_id, Tank("tank-1", OXYGEN.tank.tank_id), "p", "c", quantity, None)
    house = House([sensor], [])
    house.gateway.announce()
    component: dict[str, Any] = next(iter(house.components.values()))
    if "device_class" in component:
        assert component.get("unit_of_measurement") in UNITS[component["device_class"]]
    else:
        assert component["unit_of_measurement"] == quantity.unit


def test_what_home_assistant_would_drop_or_spell_out_is_said_in_its_way() -> None:
    """Seen in 2025.4.4: it drops an attribute called `state`, and shows a float with all of its digits."""
    house = House([OXYGEN], [alarm()])
    house.gateway.announce()
    sensor, problem, _ = house.components.values()
    assert "alarm_state=value_json.state" in problem["json_attributes_template"]
    assert sensor["suggested_display_precision"] == 2


def test_a_sensor_that_is_gone_is_removed_and_stays_removed() -> None:
    before = House([OXYGEN, WARMTH], [])
    before.gateway.announce()
    house = House([OXYGEN], [])
    house.gateway.announce()
    house.gateway.config_heard(before.published[-1][0].encode())
    assert house.components[f"aqua_{WARMTH.sensor_id}"] == {"platform": "sensor"}
    house.gateway.config_heard(house.published[-1][0].encode())
    assert len(house.published) == 2

    again = House([OXYGEN], [])
    again.gateway.config_heard(house.published[-1][0].encode())
    assert again.components == house.components


@pytest.mark.parametrize("payload", [b"", b"nonsense", b"[]", b'{"components": [1]}', b'{"components": {"a": 1}}'])
def test_what_is_no_document_is_left_alone(payload: bytes) -> None:
    house = House([OXYGEN], [])
    house.gateway.config_heard(payload)
    assert house.published == []


def test_home_assistant_hears_all_anew_when_it_starts() -> None:
    house = House([OXYGEN], [])
    house.gateway.status_heard(b"offline")
    house.gateway.status_heard(b"online")
    assert [again for _, again in house.published] == [True]
