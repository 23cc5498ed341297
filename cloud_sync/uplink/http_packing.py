"""A batch as the body of a POST request. Small, since the process that packs a backlog imports it."""

import gzip
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cloud_sync.contract.jsontext import json_bytes
from cloud_sync.contract.record import Record


@dataclass(frozen=True, slots=True)
class HttpPacking:
    """Gzip-compressed JSON, and the key that is the same whenever the same batch is packed."""

    gateway: str

    def __call__(self, batch: Sequence[Record]) -> tuple[bytes, str]:
        head = json_bytes({"gateway": self.gateway, "topic": batch[0].topic})[:-1]
        # Record by record, since nobody else gets to run while one piece of JSON is made.
        text = head + b',"records":[' + b",".join([json_bytes(record.body) for record in batch]) + b"]}"
        return gzip.compress(text, 6, mtime=0), hashlib.sha256(text).hexdigest()
