"""Sparkplug B messages as a host reads them, by Eclipse Tahu's decoder."""

from typing import Any

from tests.services.tahu import Tahu


class Said:
    """`topic` is that of the group `farm`, without it; `metrics` by name, the last where one came twice."""

    def __init__(self, topic: str, payload: bytes, tahu: Tahu) -> None:
        self.topic = topic.removeprefix("spBv1.0/farm/")
        self.payload = tahu.decode(payload)
        self.seq = self.payload.get("seq")
        self.metrics: dict[str, dict[str, Any]] = {one["name"]: one for one in self.payload.get("metrics", [])}

    def value(self, name: str) -> Any:
        """None where it is null, which has to be said: a metric without any value says nothing."""
        metric = self.metrics[name]
        values = [value for key, value in metric.items() if key.endswith("Value")]
        assert len(values) == (not metric.get("isNull", False)), metric
        return values[0] if values else None

    def property(self, name: str, key: str) -> Any:
        properties = self.metrics[name]["properties"]
        told = dict(zip(properties["keys"], properties["values"], strict=True))[key]
        return told.get("intValue", told.get("stringValue"))
