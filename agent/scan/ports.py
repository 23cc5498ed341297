"""Which lines this machine has, and what a person means by the name of one."""

import re
from collections.abc import Iterator
from os.path import realpath
from pathlib import Path

from agent.domain.errors import AquaError
from agent.domain.farm import BusSettings, Protocol, SerialLine, TcpEndpoint

_ADAPTERS = ("ttyUSB*", "ttyACM*", "ttyAMA*")
# Made by our udev rules, and by systemd's.
_LASTING = ("aqua", "serial/by-id")
_PROTOCOLS = {"tcp": Protocol.MODBUS_TCP, "rtu-over-tcp": Protocol.MODBUS_RTU_OVER_TCP}


def serial_ports(dev: Path = Path("/dev")) -> list[str]:
    """Each serial adapter by its most lasting name."""
    return [lasting_name(str(device), dev) for kind in _ADAPTERS for device in sorted(dev.glob(kind))]


def thermometers(devices: Path = Path("/sys/bus/w1/devices")) -> list[str]:
    """The DS18B20 that the kernel has found on its 1-Wire line, by their names."""
    return sorted(device.name for device in devices.glob("28-*"))


def lasting_name(device: str, dev: Path = Path("/dev")) -> str:
    """The name of that device which survives replugging, if it has one."""
    return next(_links_to(device, dev), device)


def settings_of(port: str) -> BusSettings:
    """`/dev/ttyUSB0`, `tcp://host:502` or `rtu-over-tcp://host:port`. Raises AquaError."""
    scheme, separator, end = port.partition("://")
    if not separator:
        return BusSettings(bus_name(SerialLine(port)), Protocol.MODBUS_RTU, SerialLine(lasting_name(port)))
    host, _, number = end.rpartition(":")
    if scheme not in _PROTOCOLS or not host or not number.isdecimal():
        raise AquaError(f"{port} is no port: write /dev/ttyUSB0, tcp://HOST:502 or rtu-over-tcp://HOST:PORT")
    endpoint = TcpEndpoint(host.strip("[]"), int(number))
    return BusSettings(bus_name(endpoint), _PROTOCOLS[scheme], endpoint)


def bus_name(port: SerialLine | TcpEndpoint) -> str:
    """A name for the bus made of its port."""
    name = port.host if isinstance(port, TcpEndpoint) else port.device.rpartition("/")[2]
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:40] or "line"


def _links_to(device: str, dev: Path) -> Iterator[str]:
    for folder in _LASTING:
        yield from (str(link) for link in sorted((dev / folder).glob("*")) if realpath(link) == realpath(device))
