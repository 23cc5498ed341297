"""Orders that come over MQTT: `…/cmd/<verb>` with a request as in `agent.alarm_orders`, answered by a result.

Whatever comes in is checked before it is believed: its size, that it is JSON, how often it comes, and that it is news
and no retained message, which would be carried out again with every connection.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from agent.alarms import Refusal
from agent.domain.alarm import AlarmChange
from agent.domain.clock import Clock

_MOST_BYTES: Final = 4_096
_BURST: Final = 30
_A_SECOND: Final = 5.0

CarryOut = Callable[[Mapping[str, Any]], Sequence[AlarmChange]]


class Commands:
    """`carry_out` raises Refusal; at most `_BURST` orders come at once, and `_A_SECOND` in the long run."""

    def __init__(self, carry_out: CarryOut, clock: Clock) -> None:
        self._carry_out = carry_out
        self._clock = clock
        self._left = float(_BURST)
        self._counted_s = clock.boot_s()

    def result(self, verb: str, payload: bytes, retained: bool) -> str:
        """What became of it, as JSON: `ok`, the `alarms` it changed and their states, or the `error`."""
        told: dict[str, Any] = {"do": verb, "id": None, "ok": False}
        try:
            request = self._believed(payload, retained)
            told["id"] = request.get("id")
            changes = self._carry_out({**request, "do": verb})
        except Refusal as refusal:
            return json.dumps(told | {"error": str(refusal)})
        return json.dumps(told | {"ok": True, "alarms": {str(c.alarm): c.standing.state.value for c in changes}})

    def _believed(self, payload: bytes, retained: bool) -> Mapping[str, Any]:
        if retained:
            raise Refusal("send orders without the retain flag: a retained one would be carried out again and again")
        if len(payload) > _MOST_BYTES:
            raise Refusal(f"{len(payload)} bytes are too many for an order: at most {_MOST_BYTES}")
        now_s = self._clock.boot_s()
        self._left = min(_BURST, self._left + (now_s - self._counted_s) * _A_SECOND)
        self._counted_s = now_s
        if self._left < 1:
            raise Refusal(f"too many orders: at most {_A_SECOND:g} a second")
        self._left -= 1
        try:
            request = json.loads(payload)
        except (ValueError, RecursionError) as error:
            raise Refusal(f"that is no JSON: {error}") from error
        if not isinstance(request, dict):
            raise Refusal("an order is a JSON object")
        return request
