"""Where twins are reached: `PtyLine` and `TextLine` like a serial port, `TcpLine` like a device or serial server."""

from simulators.lines.pty_line import PtyLine, TextLine
from simulators.lines.tcp_line import TcpLine

Line = PtyLine | TextLine | TcpLine

__all__ = ["Line", "PtyLine", "TcpLine", "TextLine"]
