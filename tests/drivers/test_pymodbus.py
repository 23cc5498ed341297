"""What pymodbus 3.16 does by itself: why the guards exist, and why its version is pinned."""

import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusSerialClient
from pymodbus.exceptions import ModbusIOException

from tests.drivers.devices import serial_device
from tests.drivers.test_modbus_bus import echo_address, late_once

TIMEOUT_S = 0.1


def test_its_version_is_pinned_to_the_series_that_was_looked_into() -> None:
    """Another series: read its transaction and framers again, then run `make lies`."""
    pyproject = tomllib.loads(Path("pyproject.toml").read_text())
    assert "pymodbus>=3.16.1,<3.17" in pyproject["project"]["dependencies"]
    assert version("pymodbus").startswith("3.16.")


async def test_it_hands_the_late_reply_of_one_request_to_the_next() -> None:
    with serial_device(echo_address) as device:
        client = AsyncModbusSerialClient(device.device, timeout=TIMEOUT_S, retries=0)
        assert await client.connect()
        late_once(device, TIMEOUT_S + 0.02)
        with pytest.raises(ModbusIOException):
            await client.read_holding_registers(500, count=1)
        device.script = lambda request, send: None
        assert (await client.read_holding_registers(700, count=1)).registers == [500]
        client.close()
