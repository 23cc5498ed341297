"""Where Prometheus may ask: a loopback port or a UNIX socket, never the network."""

from ipaddress import ip_address
from pathlib import Path

from agent.config import shape
from agent.config.document import Document
from agent.metrics.listener import Loopback

_UNIX = "unix:"
_REMEDY = 'write "127.0.0.1:9464", "[::1]:9464" or "unix:metrics.sock" (a file in runtime_dir), or leave the key out'


def metrics_place(document: Document) -> Loopback | Path | None:
    """None if nobody listens, which is the default."""
    table = document.table("metrics", shape.MetricsTable)
    if table is None or table.listen is None:
        return None
    if table.listen.startswith(_UNIX):
        return _socket(table.listen.removeprefix(_UNIX), document)
    host, _, port = table.listen.rpartition(":")
    try:
        address, number = ip_address(host.removeprefix("[").removesuffix("]")), int(port)
    except ValueError:
        document.wrong("metrics.listen", table.listen, "is no address and port", _REMEDY)
        return None
    if not address.is_loopback:
        document.wrong("metrics.listen", table.listen, "can be reached from the network", _REMEDY)
    elif not 1 <= number <= 65_535:
        document.wrong("metrics.listen", table.listen, "has no port from 1 to 65535", _REMEDY)
    return Loopback(str(address), number)


def _socket(name: str, document: Document) -> Path | None:
    path = Path(name)
    if name and len(path.parts) == 1 and path.name not in ("..", "gateway.sock", "status.json"):
        return path
    document.wrong("metrics.listen", f"{_UNIX}{name}", "is no name for a socket in runtime_dir", _REMEDY)
    return None
