"""How a port is named, and why it could not be opened: for a person."""

import errno
import termios

from agent.domain.farm import BusSettings, Folder, SerialLine, TcpEndpoint


def where(settings: BusSettings) -> str:
    """The port as a technician names it: the device path, host:port, or the folder."""
    match settings.port:
        case TcpEndpoint(host, port):
            return f"{host}:{port}"
        case SerialLine(device):
            return device
        case Folder(path):
            return path


def reason(error: BaseException) -> str:
    """Why a port could not be opened, for a person."""
    match error.args[0] if isinstance(error, termios.error) else getattr(error, "errno", None):
        case errno.EAGAIN | errno.EBUSY:
            return "another program is using it"
        case errno.ENOENT | errno.ENODEV | errno.ENXIO:
            return "it is not there (unplugged?)"
        case errno.EACCES | errno.EPERM:
            return "permission denied (is the gateway's user in the group dialout?)"
        case errno.EINVAL:
            return "it does not take this baud rate, parity or number of stop bits"
        case errno.ECONNREFUSED:
            return "connection refused"
        case _:
            return str(error)
