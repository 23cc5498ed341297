"""A farm and a gateway of any number of sensors, for benches: generic sondes on one Modbus TCP endpoint."""

import socket
from contextlib import closing
from pathlib import Path

CHANNELS = 10
"""Sensors a probe."""

_TYPES = ("Temperature", "DissolvedOxygen", "DissolvedOxygenSaturation", "pH", "Salinity", "Conductivity")
_UNITS = ("°C", "mg/L", "%", "pH", "PSU", "mS/cm")


def lay_out(folder: Path, sensors: int, period_s: float = 1.0) -> tuple[Path, Path]:
    """Write farm.toml and gateway.toml (and the sonde's profile) into `folder`; returns their paths."""
    probes = max(sensors // CHANNELS, 1)
    channels = min(sensors, CHANNELS)
    port = free_port()
    (folder / "profiles").mkdir(parents=True)
    (folder / "profiles" / "sonde.toml").write_text(_profile(channels))
    farm = ["seed = 1", "[[ponds]]", 'name = "tank-1"', "[lines.lan]", f"tcp = {port}"]
    gateway = [
        '[gateway]\nid = "bench"\n[mqtt]\nport = 1\n[[tanks]]\nname = "tank-1"\nspecies = "rainbow-trout"',
        f'[buses.lan]\nprotocol = "modbus-tcp"\nhost = "127.0.0.1"\nport = {port}',
        '[sinks.archive]\nkind = "archive"\nfolder = "archive"\nlinger_s = 5\nclock_patience_s = 0',
    ]
    for unit in range(1, probes + 1):
        farm += ["[[twins]]", f'name = "sonde-{unit}"', 'model = "generic"', 'line = "lan"', f"unit = {unit}"]
        farm += ['pond = "tank-1"', f"sensors = {channels}"]
        gateway += ["[[probes]]", f'name = "sonde-{unit}"', 'tank = "tank-1"', 'bus = "lan"', 'profile = "sonde"']
        gateway += [f"unit = {unit}", f"period_s = {period_s}"]
    paths = folder / "farm.toml", folder / "gateway.toml"
    for path, lines in zip(paths, (farm, gateway), strict=True):
        path.write_text("\n".join(lines) + "\n")
    return paths


def _profile(channels: int) -> str:
    lines = ['title = "Generic sonde"', 'manufacturer = "bench"', 'manual = "simulators/twins/generic.py"']
    lines += ['byte_order = "ABCD"', 'byte_order_verified = "simulated"', "[serial]", "baud = 9600", 'parity = "N"']
    lines += ["stop_bits = 1", "unit = 1", "[[block]]", 'space = "holding"', "address = 0", f"count = {2 * channels}"]
    for i in range(channels):
        quantity, unit = _TYPES[i % len(_TYPES)], _UNITS[i % len(_TYPES)]
        lines += ["[[channel]]", f'name = "c{i}"', f'quantity = "{quantity}"', f"address = {2 * i}"]
        lines += ['type = "float32"', f'unit = "{unit}"', "span = [-10, 1000]"]
    return "\n".join(lines) + "\n"


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
