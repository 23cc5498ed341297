"""Home Assistant finds the gateway by itself: one device, whose sensors, alarms and buttons stand in one document.

Device discovery as of Home Assistant 2024.11: https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload
"""

import json
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from typing import Any, Final

from agent.alarm_messages import compact
from agent.domain.alarm import SET_ASIDE, Alarm
from agent.domain.farm import Sensor
from agent.domain.quantity import Quantity
from agent.domain.reading import Flag
from agent.feed.settings import MqttSettings

Components = Mapping[str, Mapping[str, Any]]

# What Home Assistant draws and converts by itself; what is not here it shows with the unit alone. For pH it wants none.
_CLASSES: Final = {
    Quantity.TEMPERATURE: "temperature",
    Quantity.PH: "ph",
    Quantity.CONDUCTIVITY: "conductivity",
    Quantity.SPECIFIC_CONDUCTANCE: "conductivity",
    Quantity.ORP: "voltage",
    Quantity.PRESSURE: "pressure",
}
_USABLE = f"value_json.flag not in [{Flag.FAIL.value}, {Flag.MISSING.value}]"
_ASIDE = ", ".join(f"'{state.value}'" for state in SET_ASIDE)
_DECIMALS: Final = 2
# Home Assistant keeps the name `state` for itself and would drop it: there would be no telling who has acknowledged.
_ATTRIBUTES: Final = "{{ dict(value_json, alarm_state=value_json.state) | tojson }}"
_LONGEST: Final = 4_000_000


class HomeAssistant:
    """Publishes the document by `publish(topic, document, again)`, as often as Home Assistant needs it.

    `config_heard` takes what is retained from earlier: a component that is not there any more is named without
    anything but its platform, which removes it, even when Home Assistant comes much later.
    """

    def __init__(
        self,
        settings: MqttSettings,
        gateway: str,
        sensors: Iterable[Sensor],
        alarms: Iterable[Alarm],
        publish: Callable[[str, str, bool], None],
    ) -> None:
        self._gateway = gateway
        self._base = f"{settings.topic}/{gateway}"
        self._publish = publish
        self.status_topic = f"{settings.home_assistant_prefix}/status"
        self.config_topic = f"{settings.home_assistant_prefix}/device/aqua_{gateway}/config"
        self._components: Components = {
            **{f"aqua_{sensor.sensor_id}": self._sensor(sensor, settings) for sensor in sensors},
            **{key: component for alarm in alarms for key, component in self._alarm(alarm, settings).items()},
        }
        self._gone: dict[str, Mapping[str, Any]] = {}

    def announce(self, again: bool = False) -> None:
        self._publish(self.config_topic, compact(self.document()), again)

    def status_heard(self, payload: bytes) -> None:
        """Home Assistant has started: it wants to hear all anew."""
        if payload == b"online":
            self.announce(again=True)

    def config_heard(self, payload: bytes) -> None:
        """What the broker has on our topic: from an earlier start, or our own words."""
        before = _components(payload)
        if gone := {key: before[key] for key in before.keys() - self._components.keys() - self._gone.keys()}:
            self._gone |= {key: {"platform": platform} for key, platform in gone.items()}
            self.announce()

    def document(self) -> dict[str, Any]:
        return {
            "device": {
                "identifiers": [f"aqua_{self._gateway}"],
                "name": self._gateway,
                "manufacturer": "AquaControl",
                "model": "Gateway",
                "sw_version": version("aquacontrol-gateway"),
            },
            "origin": {"name": "AquaControl Gateway", "sw_version": version("aquacontrol-gateway")},
            "availability": [{"topic": f"{self._base}/status", "value_template": "{{ value_json.state }}"}],
            "qos": 1,
            "components": {**self._components, **self._gone},
        }

    def _sensor(self, sensor: Sensor, settings: MqttSettings) -> Mapping[str, Any]:
        topic = f"{self._base}/reading/{sensor}"
        quantity = sensor.quantity
        unit = {} if quantity is Quantity.PH else {"unit_of_measurement": quantity.unit}
        known = {"device_class": _CLASSES[quantity]} if quantity in _CLASSES else {}
        return {
            "platform": "sensor",
            "unique_id": f"aqua_{sensor.sensor_id}",
            "name": str(sensor).replace("/", " "),
            "state_topic": topic,
            "value_template": f"{{{{ value_json.value if {_USABLE} else None }}}}",
            "json_attributes_topic": topic,
            "state_class": "measurement",
            "suggested_display_precision": _DECIMALS,
            "expire_after": _whole(3 * settings.readings_at_least_s),
            **unit,
            **known,
        }

    def _alarm(self, alarm: Alarm, settings: MqttSettings) -> Components:
        key = f"aqua_{self._gateway}_{alarm}".replace("/", "_")
        name = str(alarm).replace("/", " ").replace("_", " ")
        topic = f"{self._base}/alarm/{alarm}/state"
        pressed = {"alarm": str(alarm), "pressed": "{{ utcnow().isoformat() }}", "by": "Home Assistant"}
        return {
            key: {
                "platform": "binary_sensor",
                "unique_id": key,
                "name": name,
                "device_class": "problem",
                "state_topic": topic,
                "value_template": (
                    f"{{{{ 'ON' if value_json.active and value_json.state not in [{_ASIDE}] else 'OFF' }}}}"
                ),
                "json_attributes_topic": topic,
                "json_attributes_template": _ATTRIBUTES,
                "expire_after": _whole(settings.valid_s),
            },
            f"{key}_ack": {
                "platform": "button",
                "unique_id": f"{key}_ack",
                "name": f"acknowledge {name}",
                "command_topic": f"{self._base}/cmd/ack",
                "command_template": compact(pressed),
            },
        }


def _components(payload: bytes) -> dict[str, str]:
    """The platform of each component in the document; none if it is no such document."""
    if len(payload) > _LONGEST:
        return {}
    try:
        found = json.loads(payload)["components"]
        return {key: component["platform"] for key, component in found.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _whole(seconds: float) -> int:
    return max(1, round(seconds))
