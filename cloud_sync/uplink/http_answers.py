"""What an HTTP answer means for the batch that was sent.

2xx takes it. 400 and 422 blame a record, 413 the size. 408, 409, 425, 429 and 5xx pass by themselves. Everything else
needs a person: the key, the address, or a proxy or login page in between.
"""

import json
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from agent.domain.errors import SinkMisconfigured
from cloud_sync.contract.record import Record
from cloud_sync.uplink.interfaces import BatchRefused, BatchTooLarge, Delivery, Rejection, TryLater

_PASSES = (408, 409, 425, 429)


def judged(where: str, status: int, headers: Mapping[str, str], answer: bytes, batch: Sequence[Record]) -> Delivery:
    """The outcome of sending `batch` to `where`, or what `Sink.send` raises.

    `headers` are looked up by lower-case names; `answer` is the body of the answer, perhaps empty.
    """
    if 200 <= status < 300:
        return _taken(where, headers, answer, batch)
    words = f"{where} answered {status} {_phrase(status)}"
    if status in (400, 422):
        raise BatchRefused(f"{words}: {_excerpt(answer)}")
    if status == 413:
        raise BatchTooLarge(words)
    if status in _PASSES or status >= 500:
        raise TryLater(words, retry_after_s(headers))
    if 300 <= status < 400:
        raise SinkMisconfigured(f"{words}: the address has moved, set url to the new one")
    raise SinkMisconfigured(words)


def retry_after_s(headers: Mapping[str, str]) -> float:
    """Seconds the server wants us to wait; 0 if it does not say or cannot be understood.

    A date is compared with the server's own `date`, since our clock may not be set yet.
    """
    wish = headers.get("retry-after", "").strip()
    if wish.isascii() and wish.isdigit():
        return float(wish[:9])
    try:
        pause = parsedate_to_datetime(wish) - parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, pause.total_seconds())
    except (TypeError, ValueError):
        return 0.0


def _taken(where: str, headers: Mapping[str, str], answer: bytes, batch: Sequence[Record]) -> Delivery:
    if headers.get("content-type", "").startswith("text/html"):
        raise SinkMisconfigured(f"{where} answered with a web page: a login page in between, or not the ingest address")
    try:
        said = json.loads(answer)
    except ValueError:
        return Delivery()
    rejected = said.get("rejected") if isinstance(said, dict) else None
    try:
        return Delivery(rejected=tuple(_rejection(item, batch) for item in rejected or ()))
    except (TypeError, KeyError, IndexError, AttributeError):
        raise SinkMisconfigured(f"{where} rejected records that were not sent to it: {_excerpt(answer)}") from None


def _rejection(item: Mapping[str, Any], batch: Sequence[Record]) -> Rejection:
    index = item["index"]
    if index < 0:
        raise IndexError(index)
    because = str(item.get("because") or "no reason given")[:500]
    # JSON can name half a character, which nothing could print or store.
    return Rejection(batch[index].seq, because.encode(errors="replace").decode())


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _excerpt(answer: bytes) -> str:
    return " ".join(answer[:300].decode("utf-8", "replace").split()) or "no reason given"
