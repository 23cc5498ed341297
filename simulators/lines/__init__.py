"""Where twins are reached: `PtyLine`, `TextLine` and `Sdi12Line` like a serial port, `TcpLine` like a device or serial
server, `W1Folder` like the kernel's tree of thermometers.
"""

from simulators.lines.pty_line import PtyLine, TextLine
from simulators.lines.sdi12_line import Sdi12Line
from simulators.lines.tcp_line import TcpLine
from simulators.lines.w1_folder import W1Folder

Line = PtyLine | TextLine | Sdi12Line | TcpLine | W1Folder

__all__ = ["Line", "PtyLine", "Sdi12Line", "TcpLine", "TextLine", "W1Folder"]
