"""Whether the primary host is there, by what it says on spBv1.0/STATE/<host>."""

import asyncio
import json
import logging

log = logging.getLogger(__name__)


class PrimaryHost:
    """A node that has one is born only while it is online (tck-id-message-flow-edge-node-birth-publish-phid-wait).

    `online` is set while it is; without a name, always.
    """

    def __init__(self, name: str | None) -> None:
        self.name = name
        self.topic = f"spBv1.0/STATE/{name}"
        self.online = asyncio.Event()
        self.forget()

    def forget(self) -> None:
        """There is a new connection: the broker says anew what it knows of the host."""
        self._said_ms = 0
        if self.name is None:
            self.online.set()
        else:
            self.online.clear()

    def has_gone(self, payload: bytes) -> bool:
        """Take what it says; whether it was online and is so no more. What is older than what it said before is left
        alone (tck-id-operational-behavior-edge-node-termination-host-offline-timestamp).
        """
        try:
            said = json.loads(payload)
            online, at_ms = said["online"], said["timestamp"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return False
        if not isinstance(online, bool) or not isinstance(at_ms, int) or at_ms < self._said_ms:
            return False
        self._said_ms = at_ms
        if online == self.online.is_set():
            return False
        log.info("Sparkplug B: the primary host %s is %s", self.name, "online" if online else "offline")
        if online:
            self.online.set()
        return not online
