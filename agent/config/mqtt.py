"""[mqtt]: the local broker, and what is told there."""

from agent.config import shape
from agent.config.document import Document
from agent.domain.quantity import Quantity
from agent.feed import MqttSettings, SparkplugSettings

_REMEDIES = {
    "ca_file": "name the file with the certificate of the authority that signed the broker's",
    "cert_file": "name the file with the gateway's own certificate",
    "key_file": "name the file with the key of the gateway's own certificate",
}


def mqtt_settings(document: Document) -> MqttSettings | None:
    """None when the table has problems; they are in the document then."""
    table = document.table("mqtt", shape.MqttTable)
    if table is None:
        return None
    for key, remedy in _REMEDIES.items():
        if (name := getattr(table, key)) is not None and not (document.folder / name).is_file():
            document.wrong(f"mqtt.{key}", name, "there is no such file", remedy)
    for sensor_type in table.readings_deadband:
        if sensor_type not in (known := [quantity.sensor_type for quantity in Quantity]):
            document.wrong("mqtt.readings_deadband", sensor_type, "is no sensor type", f"use one of {', '.join(known)}")

    def path(name: str | None) -> str | None:
        return None if name is None else str(document.folder / name)

    return MqttSettings(
        host=table.host,
        port=table.port,
        username=table.username,
        password=table.password,
        tls=table.tls,
        ca_file=path(table.ca_file),
        cert_file=path(table.cert_file),
        key_file=path(table.key_file),
        topic=table.topic,
        heartbeat_s=table.heartbeat_s,
        readings_every_s=table.readings_every_s,
        readings_at_least_s=table.readings_at_least_s,
        readings_deadband=table.readings_deadband,
        test_every_s=table.test_every_h * 3600,
        home_assistant=table.home_assistant,
        home_assistant_prefix=table.home_assistant_prefix,
        sparkplug=_sparkplug(table.sparkplug, document.gateway_id),
    )


def _sparkplug(table: shape.SparkplugTable | None, gateway_id: str) -> SparkplugSettings | None:
    if table is None:
        return None
    return SparkplugSettings(table.group_id, table.edge_node_id or gateway_id, table.primary_host)
