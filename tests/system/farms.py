"""The small farm of these tests, and the gateway that belongs to it.

The water lives 1200 times as fast: without aeration tank-1 is out of oxygen in about a second. Probes are polled
five to ten times a second, so checks that judge how fast water can change are off.
"""

from tests.services.service import free_port

FARM = """
speed = 1200
seed = 1
[[ponds]]
name = "tank-1"
biomass_kg_per_m3 = 60
respiration_mg_per_kg_h = 400
feeding_raises_by = 0
aeration_per_h = 18
aeration_saturation_percent = 105
[[ponds]]
name = "tank-2"
[lines.rs485]
pty = "ttyRS485"
[lines.lan]
tcp = 0
[[twins]]
name = "do-1"
model = "renke-rs-ldo-n01"
line = "rs485"
unit = 1
pond = "tank-1"
[[twins]]
name = "ph-1"
model = "seeed-s-ph-01"
line = "rs485"
unit = 2
pond = "tank-1"
[[twins]]
name = "odo-2"
model = "ysi-odo-ct"
line = "lan"
unit = 1
pond = "tank-2"
[ingest]
port = 0
api_key = "test-key"
"""

_GATEWAY = """
[gateway]
id = "gw"
site = "A farm in a test"
state_dir = "state"
[ring_buffer]
size_mb = 64
commit_s = 0.2
[mqtt]
port = {mqtt}
[alarms]
on_delay_s = 0.2
off_delay_s = 0.2
no_valid_data_s = 1
[[tanks]]
name = "tank-1"
[tanks.limits.DissolvedOxygen]
low = 6.0
critical_low = 4.0
deadband = 0.3
[[tanks]]
name = "tank-2"
[buses.rs485]
protocol = "modbus-rtu"
device = "ttyRS485"
timeout_s = 0.4
quiet_s = 0.05
[buses.lan]
protocol = "modbus-tcp"
host = "127.0.0.1"
port = {lan}
timeout_s = 0.4
[[probes]]
name = "do-1"
tank = "tank-1"
bus = "rs485"
profile = "renke-rs-ldo-n01"
unit = 1
period_s = 0.1
[[probes]]
name = "ph-1"
tank = "tank-1"
bus = "rs485"
profile = "seeed-s-ph-01"
unit = 2
period_s = 0.2
[[probes]]
name = "odo-2"
tank = "tank-2"
bus = "lan"
profile = "ysi-odo-ct"
unit = 1
period_s = 0.2
"""

_CALM = "".join(
    f"[checks.{sensor_type}]\nspike = false\nrate_of_change = false\nz_score = false\nanomaly = false\n"
    for sensor_type in ("DissolvedOxygen", "DissolvedOxygenSaturation", "Temperature", "pH")
)

ARCHIVE = """
[sinks.archive]
kind = "archive"
folder = "archive"
linger_s = 0
leave_free_mb = 0
clock_patience_s = 0
"""

CLOUD = """
[sinks.cloud]
kind = "http"
url = "{url}"
api_key = {{ file = "ingest.secret" }}
linger_s = 0
timeout_s = 1
clock_patience_s = 0
"""

LOW = ("low", True)
NOT_LOW = ("low", False)
CRITICAL = ("critical_low", True)
NOT_CRITICAL = ("critical_low", False)
OXYGEN = "tank-1/do-1/dissolved_oxygen"


def gateway_toml(lan: int, mqtt: int | None, *more: str) -> str:
    """The gateway's file; without a port for MQTT there is no broker where it looks for one."""
    return _GATEWAY.format(lan=lan, mqtt=mqtt or free_port()) + _CALM + "".join(more)
