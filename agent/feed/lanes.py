"""What waits to be published, the most urgent lane first.

One message is on its way at a time, so whatever else there is to say, an alarm waits for one message at most. A slow
broker holds up the last lanes, and each of them is bounded.
"""

from typing import NamedTuple, Protocol


class Message(NamedTuple):
    """`topic` is the whole of it; an empty payload, retained, takes away what was retained there."""

    topic: str
    payload: str
    retain: bool = False


class Lane(Protocol):
    """A source of messages."""

    def first(self) -> Message | None:
        """What to publish next; None if nothing waits."""

    def sent(self) -> None:
        """The broker has confirmed what `first` returned last."""

    def reconnected(self) -> None:
        """There is a new connection, perhaps to a broker that forgot everything."""
