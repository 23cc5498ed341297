"""The uplink: carries what the gateway has stored to its sinks, in order, until they say that they have it."""

import platform
from importlib import import_module
from typing import cast

from cloud_sync.uplink.interfaces import SinkClass

# The module is imported only when the kind is asked for: a farm without HTTP needs no HTTP client.
SINKS: dict[str, str] = {
    "archive": "cloud_sync.uplink.archive:ArchiveSink",
    "http": "cloud_sync.uplink.http:HttpSink",
    "kafka": "cloud_sync.uplink.kafka:KafkaSink",
    "kafka-rest": "cloud_sync.uplink.kafka_rest:KafkaRestSink",
    "timescale": "cloud_sync.uplink.timescale:TimescaleSink",
}
_WITHOUT_WHEELS = ("armv6l", "armv7l")


def sink_class(kind: str) -> SinkClass:
    """The class of sinks of that kind.

    ValueError with a sentence for the technician when there is no such kind, or its library is not installed or lacks
    something itself.
    """
    if kind not in SINKS:
        raise ValueError(f"no sink of kind {kind!r}; known are {', '.join(sorted(SINKS))}")
    module, name = SINKS[kind].split(":")
    try:
        return cast(SinkClass, getattr(import_module(module), name))
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library in ("cloud_sync", "agent"):
            raise
        reason = f"a sink of kind {kind!r} needs the library {library!r}: pip install aquacontrol-gateway[{kind}]"
        if kind == "kafka" and platform.machine() in _WITHOUT_WHEELS:
            reason += " – but there is none for 32-bit ARM: use kind kafka-rest or http, or a 64-bit system"
        raise ValueError(reason) from error
    except ImportError as error:
        because = str(error).partition("\n")[0]
        raise ValueError(
            f"a sink of kind {kind!r} cannot load its library ({because}): pip install aquacontrol-gateway[{kind}]"
        ) from error
