"""From the document to the gateway: every section, then what they come to together."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.config import shape
from agent.config.advice import advice
from agent.config.alarm_kinds import check_kinds, settled
from agent.config.buses import buses
from agent.config.derived import derived
from agent.config.document import Document
from agent.config.equipment import equipment_alarms
from agent.config.farm import Gateway
from agent.config.findings import unknown_key
from agent.config.limits import check_limits
from agent.config.metrics import metrics_place
from agent.config.mqtt import mqtt_settings
from agent.config.notify import notify_choices
from agent.config.probe_limits import probe_limits
from agent.config.probes import probes
from agent.config.sensor_alarms import sensor_alarms
from agent.config.sinks import sink_choices
from agent.config.tanks import tanks
from agent.domain.alarm import Alarm
from agent.domain.farm import Sensor, Tank
from agent.domain.sun import Place
from agent.store.store import StoreSettings

_SECTIONS = (
    "gateway",
    "tanks",
    "buses",
    "probes",
    "derived",
    "checks",
    "probe_health",
    "alarms",
    "ring_buffer",
    "mqtt",
    "metrics",
    "sinks",
    "notify",
)


def build(document: Document) -> Gateway | None:
    """None when the document has problems; they are in it then."""
    for key in document.content:
        if key not in _SECTIONS:
            document.problems.append(unknown_key(key, _SECTIONS))
    gateway = _gateway(document)
    mqtt = mqtt_settings(document)
    ring_buffer = document.table("ring_buffer", shape.RingBufferTable)
    timing = document.table("alarms", shape.AlarmsTable)
    if timing is not None:
        check_kinds(document, "alarms.kinds", timing.kinds)
    place = gateway.place if gateway else None
    all_tanks = tanks(document, place)
    all_buses = buses(document)
    profiles_dir = document.folder / gateway.profiles_dir if gateway else None
    all_probes = probes(document, {name: tank for name, (tank, _) in all_tanks.items()}, all_buses, profiles_dir)
    all_derived = derived(document, {name: tank for name, (tank, _) in all_tanks.items()}, all_probes)
    periods_s = {sensor: probe.period_s for probe in all_probes for sensor in probe.sensors}
    periods_s |= {one.sensor: one.period_s for one in all_derived}
    checks = check_limits(document.tables("checks"), periods_s, place, document.problems)
    evidence = probe_limits(document.tables("probe_health"), document.problems)
    sinks = sink_choices(document.tables("sinks"), document.folder, document.problems)
    metrics = metrics_place(document)
    notify = notify_choices(document)
    advised = advice(document)
    if document.problems or not (gateway and mqtt and ring_buffer and timing and profiles_dir):
        return None
    equipment = equipment_alarms(all_buses, [sink.name for sink in sinks], [way.name for way in notify])
    state_dir = document.folder / gateway.state_dir
    runtime_dir = document.folder / gateway.runtime_dir if gateway.runtime_dir else state_dir
    return Gateway(
        gateway_id=gateway.id,
        site=gateway.site,
        state_dir=state_dir,
        runtime_dir=runtime_dir,
        tanks=[tank for tank, _ in all_tanks.values()],
        buses=list(all_buses.values()),
        probes=all_probes,
        derived=all_derived,
        profiles_dir=profiles_dir,
        checks=checks,
        alarms=[
            replace(alarm, advice=advised(alarm))
            for alarm in (
                *_alarms(all_tanks, periods_s, timing, checks, place),
                *(settled(alarm, timing) for alarm in equipment),
            )
        ],
        mqtt=mqtt,
        store=StoreSettings(
            state_dir / "ring-buffer.sqlite",
            ring_buffer.size_mb,
            ring_buffer.commit_s,
            metered=[sink.name for sink in sinks if sink.link.metered],
        ),
        sinks=sinks,
        notify=notify,
        metrics=runtime_dir / metrics if isinstance(metrics, Path) else metrics,
        probe_limits_by_quantity=evidence,
    )


def _gateway(document: Document) -> shape.GatewayTable | None:
    if "gateway" not in document.content:
        document.wrong("[gateway]", None, "is missing", 'add the table with id = "name-of-this-gateway"')
        return None
    gateway = document.table("gateway", shape.GatewayTable)
    if gateway is not None:
        document.gateway_id = gateway.id
        if (gateway.latitude is None) != (gateway.longitude is None):
            missing = "gateway.latitude" if gateway.latitude is None else "gateway.longitude"
            document.wrong(missing, None, "is missing", "give both, in degrees (north and east positive), or neither")
    return gateway


def _alarms(
    tanks: Mapping[str, tuple[Tank, shape.TankTable]],
    periods_s: Mapping[Sensor, float],
    farm: shape.AlarmsTable,
    checks: Mapping[Sensor, Mapping[str, Any]],
    place: Place | None,
) -> list[Alarm]:
    placed = Counter((sensor.tank, sensor.quantity) for sensor in periods_s)
    return [
        alarm
        for sensor, period_s in periods_s.items()
        for alarm in sensor_alarms(
            sensor, period_s, tanks[sensor.tank.name][1], farm, checks[sensor],
            paired=placed[sensor.tank, sensor.quantity] > 1, place=place,
        )
    ]  # fmt: skip
