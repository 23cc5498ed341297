"""What a configuration comes to: the frozen objects from which `agent.app` builds the gateway."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.domain.alarm import Alarm
from agent.domain.farm import BusSettings, Derived, Probe, Sensor, Tank
from agent.domain.quantity import Quantity
from agent.feed import MqttSettings
from agent.metrics.listener import Loopback
from agent.notify import HookSettings, MailSettings, Wanted
from agent.scores.probe_limits import Limits, limits_of
from agent.store.store import StoreSettings
from cloud_sync.uplink.link import DEFAULT_LINK, Link


@dataclass(frozen=True, slots=True)
class SinkChoice:
    """A configured sink: `kind` as registered in `cloud_sync.uplink.SINKS`, its own settings object, and how the way to
    it may be used.
    """

    name: str
    kind: str
    settings: Any
    link: Link = DEFAULT_LINK


@dataclass(frozen=True, slots=True)
class NotifyChoice:
    """One configured way out."""

    name: str
    wanted: Wanted
    settings: HookSettings | MailSettings


@dataclass(frozen=True, slots=True)
class Gateway:
    """Everything that is configured.

    `checks` holds the limits of every check by sensor, then by the check's name. `metrics` is where Prometheus may ask:
    a port of this machine, a UNIX socket, or nowhere. `probe_limits_by_quantity` are the site's own.
    """

    gateway_id: str
    site: str
    state_dir: Path
    runtime_dir: Path
    tanks: Sequence[Tank]
    buses: Sequence[BusSettings]
    probes: Sequence[Probe]
    derived: Sequence[Derived]
    profiles_dir: Path
    checks: Mapping[Sensor, Mapping[str, Any]]
    alarms: Sequence[Alarm]
    mqtt: MqttSettings
    store: StoreSettings
    sinks: Sequence[SinkChoice]
    notify: Sequence[NotifyChoice]
    metrics: Loopback | Path | None = None
    probe_limits_by_quantity: Mapping[Quantity, Limits] = field(default_factory=dict)

    def probe_limits(self, sensor: Sensor) -> Limits:
        """Where good ends for the evidence on a probe."""
        return self.probe_limits_by_quantity.get(sensor.quantity) or limits_of(sensor.quantity)

    @property
    def periods_s(self) -> dict[Sensor, float]:
        """How often each sensor is read, or computed."""
        read = {sensor: probe.period_s for probe in self.probes for sensor in probe.sensors}
        return read | {derived.sensor: derived.period_s for derived in self.derived}

    @property
    def status_file(self) -> Path:
        """Where the running gateway says how it is."""
        return self.runtime_dir / "status.json"

    @property
    def control_socket(self) -> Path:
        """Where commands ask the running gateway."""
        return self.runtime_dir / "gateway.sock"

    @property
    def probe_log(self) -> Path:
        """What people did to probes."""
        return self.state_dir / "probe-log.jsonl"

    @property
    def probe_memory(self) -> Path:
        """What was learnt of probes since."""
        return self.state_dir / "probe-health.json"

    @property
    def faults_dir(self) -> Path:
        """Where the frames of a bus are kept that went before a fault."""
        return self.state_dir / "faults"
