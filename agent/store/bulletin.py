"""The gateway's newest report on its health, for every sink. It is news: what a sink did not get in its time is
replaced by the next one, and none is kept on the disk.
"""

from agent.domain.delivery import Taken
from agent.domain.gateway_health import GatewayHealth


class Bulletin:
    """Implements `take` and `settle` of the uplink's `Backlog` for one lane."""

    def __init__(self) -> None:
        self._newest: GatewayHealth | None = None
        self._settled: dict[str, int] = {}

    def publish(self, health: GatewayHealth) -> None:
        self._newest = health

    def take(self, sink: str, beyond: int) -> Taken:
        after = max(self._settled.get(sink, 0), beyond)
        if self._newest is None or self._newest.seq <= after:
            return Taken(after, [])
        return Taken(self._newest.seq - 1, [self._newest])

    def settle(self, sink: str, upto: int) -> None:
        """Also if it was rejected: the next one may please."""
        self._settled[sink] = max(upto, self._settled.get(sink, 0))
