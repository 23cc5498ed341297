"""What goes wrong with a probe: on its wire, and with its values.

A fault is scheduled (`Fault`, in real seconds since the farm's start) or switched by hand on `twin.faults`:
`twin.faults.silence = True`, `twin.faults.late_s = 0.7`, and False or 0 again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from simulators.schedule import Window

WIRE_KINDS = ("silence", "crc_error", "late", "exception", "duplicate", "foreign", "stale", "unplug")
VALUE_KINDS = ("stuck", "spike", "drift")


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault and when it holds.

    `amount`: late: seconds until the answer; exception: its code; spike: what is added to the value; drift: what is
    added a real minute; otherwise 1. `channel` limits a fault of values to one channel (None: the probe's main one).
    """

    kind: str
    when: Window = field(default_factory=Window)
    amount: float = 1.0
    channel: str | None = None


@dataclass(slots=True)
class Faults:
    """All faults of one twin; `now_s` tells real seconds since the farm's start.

    silence: no answer. crc_error: one byte of the answer is wrong (no effect where a frame has no CRC).
    late_s: the answer comes that much later. exception: the answer is this Modbus exception (EZO: `*ER`).
    duplicate: the answer comes twice. foreign: the answer bears another unit's address. stale: the answer to the
    question before. unplugged: without power. stuck: values stand still. spike: added to the main value.
    drift_per_min: added to the main value for every real minute since it was switched on.
    """

    now_s: Callable[[], float] = field(default=lambda: 0.0)
    scheduled: Sequence[Fault] = ()
    silence: bool = False
    crc_error: bool = False
    late_s: float = 0.0
    exception: int = 0
    duplicate: bool = False
    foreign: bool = False
    stale: bool = False
    unplugged: bool = False
    stuck: bool = False
    spike: float = 0.0
    drift_per_min: float = 0.0
    _drifts_since: float | None = None

    def amount(self, kind: str, channel: str | None = None) -> float:
        """How much of that kind holds now: 0 is none. A drift is given with its minutes already counted in."""
        by_hand = self._by_hand(kind)
        if by_hand:
            return by_hand
        now = self.now_s()
        for fault in self.scheduled:
            began = fault.when.began(now) if fault.kind == kind and fault.channel == channel else None
            if began is not None:
                return fault.amount * (now - began) / 60 if kind == "drift" else fault.amount
        return 0.0

    def _by_hand(self, kind: str) -> float:
        if kind == "drift":
            return self.drift_per_min * self._drifted_min()
        names = {"late": "late_s", "unplug": "unplugged"}
        return float(getattr(self, names.get(kind, kind)))

    def _drifted_min(self) -> float:
        if not self.drift_per_min:
            self._drifts_since = None
            return 0.0
        if self._drifts_since is None:
            self._drifts_since = self.now_s()
        return (self.now_s() - self._drifts_since) / 60
