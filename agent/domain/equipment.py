"""What of the gateway can fail, by name."""

from typing import Final

from agent.domain.farm import Equipment

STORE: Final = Equipment("machine", "store")
CLOCK: Final = Equipment("machine", "clock")
DISK: Final = Equipment("machine", "disk")
FEED: Final = Equipment("machine", "feed")
PROCESSOR: Final = Equipment("machine", "processor")


def bus_named(name: str) -> Equipment:
    return Equipment("bus", name)


def sink_named(name: str) -> Equipment:
    return Equipment("sink", name)


def notify_named(name: str) -> Equipment:
    return Equipment("notify", name)
