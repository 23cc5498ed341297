"""What a Modbus device says when it refuses a request."""

from typing import Final

from pymodbus.pdu import ModbusPDU

from agent.domain.errors import Refused

# MODBUS Application Protocol Specification V1.1b3, section 7.
REFUSALS: Final = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledged, still working",
    6: "device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target did not respond",
}

# A gateway's own line may still bring what it waited for, and some hand that to their next request.
TARGET_SILENT: Final = 11


def refused(reply: ModbusPDU, request: ModbusPDU, where: str) -> Refused:
    """The error that `reply` is to `request`; `where` names the port."""
    code = reply.exception_code
    meaning = REFUSALS.get(code, "unknown exception")
    kind = {3: "for holding registers", 4: "for input registers"}.get(request.function_code, "to write registers")
    asked = f"{kind} {request.address} to {request.address + max(request.count, 1) - 1}"
    return Refused(f"{meaning} (exception {code}) on {where}, unit {request.dev_id}, asked {asked}", code)
