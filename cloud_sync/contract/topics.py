"""The names of the topics, as the rest of AquaControl knows them."""

from typing import Final

SENSOR_READINGS: Final = "sensor-readings"
SENSOR_ALERTS: Final = "sensor-alerts"
SENSOR_GAPS: Final = "sensor-gaps"
SENSOR_ROLLUPS: Final = "sensor-rollups"
GATEWAY_HEALTH: Final = "gateway-health"
