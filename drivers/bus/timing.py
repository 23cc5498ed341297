"""How long things take on a wire, from its baud rate and the length of frames. Pure."""

from typing import Final

from agent.domain.farm import BusSettings, Protocol, SerialLine
from drivers.interfaces import Cost

# RTU frames without registers: unit, function, address, count, CRC; and unit, function, byte count, CRC.
_REQUEST_CHARACTERS: Final = 8
_REPLY_CHARACTERS: Final = 5
_REGISTER_CHARACTERS: Final = 2

# Assumptions. What they are off by only moves the size from which a gap is not worth filling.
_TURN_AROUND_S: Final = 0.005  # a probe's own time before it answers, beside the silence that it waits for
_ROUND_TRIP_S: Final = 0.001  # of a local network
_REGISTER_BY_NETWORK_S: Final = 1.6e-6  # two bytes at 10 Mbit/s
_BEHIND_A_SERIAL_SERVER: Final = SerialLine("")  # its line is not ours to know: the default, 9,600 baud


def character_s(line: SerialLine) -> float:
    """One character with its start, parity and stop bits."""
    return (1 + line.data_bits + (line.parity != "N") + line.stop_bits) / line.baud


def frame_gap_s(line: SerialLine) -> float:
    """The silence that separates two RTU frames: 3.5 characters, 1.75 ms at least.

    Source: MODBUS over Serial Line V1.02, section 2.5.1.1.
    """
    return max(0.00175, 3.5 * character_s(line))


def read_cost(settings: BusSettings) -> Cost:
    """What reads take on that bus; what its own wire adds to `_TURN_AROUND_S` follows from its settings."""
    if settings.protocol is Protocol.MODBUS_TCP:
        return Cost(_ROUND_TRIP_S + _TURN_AROUND_S, _REGISTER_BY_NETWORK_S)
    port = settings.port
    line, round_trip_s = (port, 0.0) if isinstance(port, SerialLine) else (_BEHIND_A_SERIAL_SERVER, _ROUND_TRIP_S)
    frames_s = (_REQUEST_CHARACTERS + _REPLY_CHARACTERS) * character_s(line)
    request_s = frames_s + 2 * frame_gap_s(line) + _TURN_AROUND_S + round_trip_s
    return Cost(request_s, _REGISTER_CHARACTERS * character_s(line))
