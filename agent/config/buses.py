"""`[buses.<name>]`: serial ports and TCP endpoints, each on one bus only."""

from os.path import realpath

from agent.config import shape
from agent.config.document import Document
from agent.domain.farm import BusSettings, Protocol, SerialLine, TcpEndpoint

# At SDI-12's 1,200 baud, 75 characters of values take 0.7 s.
_TIMEOUT_S = dict.fromkeys(Protocol, 0.5) | {Protocol.SDI_12: 1.0}


def buses(document: Document) -> dict[str, BusSettings]:
    """Every bus by name."""
    found: dict[str, BusSettings] = {}
    owner: dict[object, str] = {}
    for name, value in document.tables("buses").items():
        table = document.validated(value, f"buses.{name}", shape.BusTable)
        if table is None:
            continue
        port = _port(document, table)
        if (other := owner.setdefault(_end_of(port), name)) != name:
            key, told = ("device", table.device) if table.device is not None else ("host", table.host)
            reason = f"bus {other} uses the same port"
            document.wrong(f"buses.{name}.{key}", told, reason, "put all probes of a port on one bus")
        protocol = Protocol(table.protocol)
        timeout_s = table.timeout_s or _TIMEOUT_S[protocol]
        found[name] = BusSettings(name, protocol, port, timeout_s, table.quiet_s)
    return found


def _port(document: Document, table: shape.BusTable) -> SerialLine | TcpEndpoint:
    if table.device is not None:
        return SerialLine(
            str(document.folder / table.device), table.baud, table.parity, table.stop_bits, table.data_bits
        )
    return TcpEndpoint(table.host or "", table.port)


def _end_of(port: SerialLine | TcpEndpoint) -> object:
    """What two settings have in common when they mean the same port, however it is written."""
    return realpath(port.device) if isinstance(port, SerialLine) else (port.host.lower(), port.port)
