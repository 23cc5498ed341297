"""The farm as a Sparkplug B edge node, for SCADA systems: a second publisher beside the alarm feed.

The gateway is the edge node, each tank a device of it. A device has a metric for every sensor, `<probe>/<sensor>`, and
three for every alarm, `Alarms/<probe>/<sensor>/<kind>/active`, `state` and `message`; those of the gateway's own
equipment are the node's. A silent probe is no dead device: its metrics are null with quality 0, and what stands in
`Alarms/` about it goes on being told.

Rules by Sparkplug 3.0.0, quoted here by their tck-id. It has a connection of its own, because its last will is its own,
and shares nothing with the alarm feed that could hold that up.
"""

from agent.feed.sparkplug.publisher import Sparkplug

__all__ = ["Sparkplug"]
"""The only name that others need."""
