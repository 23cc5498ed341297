"""A right gateway.toml as a document, and how to write one."""

import json
from datetime import date
from pathlib import Path
from typing import Any

Document = dict[str, Any]


def right() -> Document:
    """Two tanks, a bus of each kind, two sinks, and a secret in a file beside it."""
    return {
        "gateway": {"id": "farm-1", "site": "North pond"},
        "mqtt": {"username": "gateway", "password": {"file": "mqtt.secret"}, "ca_file": "ca.pem"},
        "ring_buffer": {"size_mb": 64},
        "tanks": [
            {"name": "tank-1", "species": "tilapia"},
            {"name": "tank-2", "limits": {"DissolvedOxygen": {"low": 5.0, "critical_low": 3.0, "deadband": 0.4}}},
        ],
        "buses": {
            "rs485": {"protocol": "modbus-rtu", "device": "ttyUSB0"},
            "lan": {"protocol": "modbus-tcp", "host": "10.0.0.7"},
            "uart": {"protocol": "serial-text", "device": "/dev/ttyAMA0"},
        },
        "probes": [
            {"name": "do-1", "tank": "tank-1", "bus": "rs485", "profile": "renke-rs-ldo-n01", "unit": 1},
            {"name": "ph-1", "tank": "tank-1", "bus": "uart", "profile": "atlas-ezo-ph"},
            {"name": "do-1", "tank": "tank-2", "bus": "lan", "profile": "ysi-odo-ct", "unit": 1, "period_s": 60},
        ],
        "checks": {"pH": {"spike": {"suspect": 0.2, "fail": 0.4}, "z_score": False}},
        "sinks": {
            "archive": {"kind": "archive", "folder": "archive"},
            "cloud": {"kind": "http", "url": "https://cloud.example/in", "api_key": {"file": "key.secret"}},
        },
    }


def write(folder: Path, document: Document, secrets: bool = True) -> Path:
    """gateway.toml in `folder`, with the certificate and the files its secrets are in."""
    (folder / "ca.pem").touch()
    if secrets:
        write_secret(folder / "mqtt.secret", "hunter2")
        write_secret(folder / "key.secret", "k3y")
    path = folder / "gateway.toml"
    path.write_text("".join(f"{json.dumps(key)} = {toml(value)}\n" for key, value in document.items()), "utf-8")
    return path


def write_secret(path: Path, text: str) -> None:
    """As it must be: for its owner alone."""
    path.touch(mode=0o600)
    path.write_text(text + "\n", encoding="utf-8")


def toml(value: Any) -> str:
    """Any JSON-like value, a number that is not finite, or a date, as TOML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(below)}" for key, below in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(value) if isinstance(value, bool | str) else str(value)
