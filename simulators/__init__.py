"""Stand-ins for a farm: water that behaves like water, and twins of probes that answer the real protocols.

The gateway meets them on a pseudo-terminal or a TCP port, as it would meet hardware, and cannot tell. A twin is built
from its device's manual; nothing here reads the gateway's own register tables, so a wrong register there shows.
"""
