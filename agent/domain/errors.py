"""What can go wrong, named after who has to act.

Every message names the thing (tank, probe, port, file, key) and what was seen, so that it can be shown to a
technician as it is.
"""


class AquaError(Exception):
    """Base of every error the gateway expects; anything else is a bug."""


class BusError(AquaError):
    """The port cannot be used: missing, busy, unplugged, refused. Every probe on it is affected; retried later."""


class ProbeError(AquaError):
    """One probe did not give a usable answer; its neighbours on the bus are fine."""


class NoReply(ProbeError):
    """The probe stayed silent until the timeout."""


class BadReply(ProbeError):
    """Bytes came, but they do not answer the question: CRC, unit, function, length or text."""


class Refused(ProbeError):
    """The probe answered with a Modbus exception.

    `code` is the exception code of the Modbus application protocol (2 = illegal data address).
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class StoreError(AquaError):
    """The ring buffer cannot be read or written: disk full, I/O error, not a database."""


class SinkUnavailable(AquaError):
    """The sink cannot take anything now: keep the batch and try later."""


class SinkMisconfigured(AquaError):
    """The sink refuses us (credentials, missing endpoint): keep everything, tell a person, probe slowly."""
