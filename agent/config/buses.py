"""`[buses.<name>]`: serial ports, TCP endpoints and the kernel's 1-Wire line, each on one bus only."""

from os.path import realpath

from agent.config import shape
from agent.config.document import Document
from agent.domain.farm import BusSettings, Folder, Protocol, SerialLine, TcpEndpoint

# At SDI-12's 1,200 baud, 75 characters of values take 0.7 s. The kernel tries a thermometer up to five times.
_TIMEOUT_S = dict.fromkeys(Protocol, 0.5) | {Protocol.SDI_12: 1.0, Protocol.ONE_WIRE: 5.0}

_W1_DEVICES = "/sys/bus/w1/devices"


def buses(document: Document) -> dict[str, BusSettings]:
    """Every bus by name."""
    found: dict[str, BusSettings] = {}
    owner: dict[object, str] = {}
    for name, value in document.tables("buses").items():
        table = document.validated(value, f"buses.{name}", shape.BusTable)
        if table is None:
            continue
        port = _port(document, table)
        if (other := owner.setdefault(end_of(port), name)) != name:
            key = next((key for key in ("device", "host") if getattr(table, key) is not None), "folder")
            reason = f"bus {other} uses the same port"
            document.wrong(f"buses.{name}.{key}", getattr(table, key), reason, "put all probes of a port on one bus")
        protocol = Protocol(table.protocol)
        timeout_s = table.timeout_s or _TIMEOUT_S[protocol]
        found[name] = BusSettings(name, protocol, port, timeout_s, table.quiet_s)
    return found


def _port(document: Document, table: shape.BusTable) -> SerialLine | TcpEndpoint | Folder:
    if table.protocol == "1-wire":
        return Folder(str(document.folder / (table.folder or _W1_DEVICES)))
    if table.device is not None:
        return SerialLine(
            str(document.folder / table.device), table.baud, table.parity, table.stop_bits, table.data_bits
        )
    return TcpEndpoint(table.host or "", table.port, table.connect_timeout_s)


def end_of(port: SerialLine | TcpEndpoint | Folder) -> object:
    """What two settings have in common when they mean the same port, however it is written."""
    if isinstance(port, TcpEndpoint):
        return port.host.lower(), port.port
    return realpath(port.device if isinstance(port, SerialLine) else port.path)
