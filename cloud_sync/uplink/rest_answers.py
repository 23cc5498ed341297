"""What a Kafka REST proxy says of each record. An answer of 200 can hold failures.

Three families of numbers are met: Kafka's own (Redpanda; and 1 and 2, by which Confluent's and Karapace's documents
mean "never" and "try again"), an HTTP status (Strimzi, and 200 in the v3 dialect), and a status with two digits more
(Confluent: 40301, 50003). Source: the API references of Confluent's REST Proxy (v2 and v3), of Redpanda's HTTP proxy,
of Karapace and of the Strimzi bridge.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from agent.domain.errors import SinkMisconfigured
from cloud_sync.uplink.breaker import Failure
from cloud_sync.uplink.record_faults import Fault

_BLANKS = re.compile(r"\s*")
_TAKEN = (None, 0, 200)
# Kafka's protocol: what a produce request can meet.
_POISON = {1, 4, 10, 18, 87}
_TOO_LARGE = {4, 10, 18}
_OF_TOPIC = {3, 17, 29, 32}
_NEEDS_A_PERSON = {*_OF_TOPIC, 21, 31, 35, 42, 43, 44, 58, 76}
_NEVER = 50_002  # "non-retriable Kafka error": of a record too large, for one
_PASSING = (408, 409, 425, 429)


def v2_faults(where: str, content: bytes, records: int) -> dict[int, Fault]:
    """By place, of `{"offsets": [{"partition": 0, "offset": 7}, {"error_code": 2, "error": "…"}]}`.

    Raises SinkMisconfigured for an answer that is no proxy's.
    """
    try:
        results = json.loads(content)["offsets"]
        return _faults(where, results, records)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _no_proxy(where, content) from None


def v3_faults(where: str, content: bytes, records: int) -> dict[int, Fault]:
    """By place, of one JSON object after the other, one a record and in their order. Those that are missing did not
    arrive: the proxy has ended the stream. Raises as `v2_faults`.
    """
    decoder, results, at = json.JSONDecoder(), [], 0
    try:
        text = content.decode()
        while at < len(text):
            result, at = decoder.raw_decode(text, at)
            results.append(result)
            at = _BLANKS.match(text, at).end()  # type: ignore[union-attr]
        missing = [{"error_code": 503, "message": "no report came"}] * (records - len(results))
        return _faults(where, [*results, *missing], records)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _no_proxy(where, content) from None


def refuses_topic(content: bytes) -> str | None:
    """The words of an answer 404 or 403 that means the topic alone, not the address or us."""
    try:
        said = json.loads(content)
        return str(said["message"]) if said["error_code"] in (40_401, 40_403, 40_301) else None
    except (ValueError, KeyError, TypeError):
        return None


def _faults(where: str, results: Sequence[Mapping[str, Any]], records: int) -> dict[int, Fault]:
    if len(results) != records:
        raise ValueError(results)
    return {
        place: _fault(where, result["error_code"], result)
        for place, result in enumerate(results)
        if result.get("error_code") not in _TAKEN
    }


def _fault(where: str, code: int, result: Mapping[str, Any]) -> Fault:
    words = str(result.get("error") or result.get("message") or "no reason given")[:500]
    because = f"{where}: error {code}: {words.encode(errors='replace').decode()}"
    if code < 200:
        failure = Failure.NEEDS_A_PERSON if code in _NEEDS_A_PERSON else Failure.RETRIABLE
        failure = Failure.POISON if code in _POISON else failure
        return Fault(failure, because, of_topic=code in _OF_TOPIC, too_large=code in _TOO_LARGE)
    status = code if code < 1000 else code // 100
    if code == _NEVER or status in (400, 422, 413):
        return Fault(Failure.POISON, because, too_large=status == 413)
    if status in _PASSING or status >= 500:
        return Fault(Failure.RETRIABLE, because)
    return Fault(Failure.NEEDS_A_PERSON, because, of_topic=status in (403, 404))


def _no_proxy(where: str, content: bytes) -> SinkMisconfigured:
    excerpt = " ".join(content[:200].decode("utf-8", "replace").split())
    return SinkMisconfigured(f"{where} answered what no Kafka REST proxy of this dialect does: {excerpt or 'nothing'}")
