"""From one request to the replies that reach the wire: whose it is, and what the faults of the wire make of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from simulators.frames import Request
from simulators.twins.modbus import ModbusTwin

_BROADCAST = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer on its way: seconds until it starts, and whether a byte gets damaged under way."""

    unit: int
    pdu: bytes
    after_s: float = 0.0
    damaged: bool = False


class Exchange:
    """The twins that share one line. `replies` never raises, whatever the bytes."""

    def __init__(self, twins: Sequence[ModbusTwin] = ()) -> None:
        self.twins = list(twins)
        self._said: dict[int, bytes] = {}

    def replies(self, request: Request) -> list[Reply]:
        """All replies to one request; none when nobody is meant, or who is meant stays silent."""
        if request.unit == _BROADCAST:
            for twin in self.twins:
                if twin.hears_broadcast and not twin.faults.amount("unplug"):
                    twin.answer(request.pdu)
            return []
        return [reply for twin in self.twins for reply in self._replies_of(twin, request)]

    def _replies_of(self, twin: ModbusTwin, request: Request) -> Iterable[Reply]:
        faults = twin.faults
        if request.unit != twin.unit and request.unit not in twin.other_units:
            return []
        if faults.amount("silence") or faults.amount("unplug"):
            return []
        pdu = twin.answer(request.pdu)
        if pdu is None:
            return []
        said, self._said[id(twin)] = self._said.get(id(twin), pdu), pdu
        if faults.amount("stale"):
            pdu = said
        if code := faults.amount("exception"):
            pdu = bytes([request.pdu[0] | 0x80, int(code)])
        unit = request.unit % 247 + 1 if faults.amount("foreign") else request.unit
        reply = Reply(unit, pdu, faults.amount("late"), bool(faults.amount("crc_error")))
        return [reply, reply] if faults.amount("duplicate") else [reply]
