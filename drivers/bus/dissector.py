"""What the bytes on a Modbus line say, for people who look on. Pure."""

from dataclasses import dataclass, replace

from agent.domain.farm import Protocol
from drivers.bus.framing import RtuQuestion, TcpQuestion, crc_fits
from drivers.planning import MOST_REGISTERS

_ERROR_BIT = 0x80
_READS = (3, 4)
_WRITES = (6, 16)


@dataclass(frozen=True, slots=True)
class Telegram:
    """One request or one reply. `address` (wire, 0-based) and `count` are a request's, or those of the request that the
    reply answers; `registers` are what was read or written; `exception` is the code of a refusal.
    """

    unit: int
    function: int
    address: int
    count: int
    registers: tuple[int, ...] = ()
    exception: int | None = None


def request(frame: bytes, protocol: Protocol) -> Telegram | None:
    """A request of ours; None when it is not one that can read or write registers."""
    body = _body(frame, protocol)
    if len(body) < 6 or body[1] not in (*_READS, *_WRITES):
        return None
    unit, function = body[0], body[1]
    address, count = _words(body[2:6])
    if function in _READS and count > MOST_REGISTERS:
        return None
    if function == 6:
        return Telegram(unit, function, address, 1, (count,))
    return Telegram(unit, function, address, count, _words(body[7:]) if function == 16 else ())


def reply(received: bytes, asked: bytes, protocol: Protocol) -> Telegram | None:
    """What answers the request `asked` among the bytes that came after it; None when nothing does."""
    question = request(asked, protocol)
    if question is None:
        return None
    fits = TcpQuestion if protocol is Protocol.MODBUS_TCP else RtuQuestion
    frame = fits(asked).answer_in(received)
    if not frame or (fits is RtuQuestion and not crc_fits(frame)):
        return None
    body = _body(frame, protocol)
    if body[1] & _ERROR_BIT:
        return replace(question, registers=(), exception=body[2])
    return replace(question, registers=_words(body[3:])) if question.function in _READS else question


def _body(frame: bytes, protocol: Protocol) -> bytes:
    """Unit, function and data, without what the wire adds to them."""
    return frame[6:] if protocol is Protocol.MODBUS_TCP else frame[:-2]


def _words(data: bytes) -> tuple[int, ...]:
    return tuple(int.from_bytes(data[place : place + 2], "big") for place in range(0, len(data) - 1, 2))
