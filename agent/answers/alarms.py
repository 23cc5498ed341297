"""What the running gateway answers to `aqua-gateway alarms …`."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from agent.alarm_commands import CarryOut
from agent.alarm_messages import state
from agent.alarm_metrics import AlarmMetrics
from agent.annunciator import Annunciator
from agent.control import Answer


def alarm_answers(annunciator: Annunciator, carry_out: CarryOut, metrics: AlarmMetrics) -> Mapping[str, Answer]:
    """`alarms` yields where each stands; `order` carries out a request as in `agent.alarm_orders`, and yields what
    became of each alarm that it concerns, `alarm metrics` how they do as a whole.
    """

    async def alarms(details: Mapping[str, Any]) -> AsyncIterator[Any]:
        for watch in annunciator.watches:
            yield state(watch.alarm, watch.standing, annunciator.last.get(str(watch.alarm)))

    async def order(details: Mapping[str, Any]) -> AsyncIterator[Any]:
        for change in carry_out(details):
            yield state(change.alarm, change.standing, change)

    async def counted(details: Mapping[str, Any]) -> AsyncIterator[Any]:
        yield metrics.told(annunciator.watches)

    return {"alarms": alarms, "order": order, "alarm metrics": counted}
