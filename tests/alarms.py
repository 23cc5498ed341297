"""Changes of alarms, for tests that care for little more than whether one was raised or cleared."""

from agent.domain.alarm import Alarm, AlarmChange, AlarmState, Event, Standing
from agent.domain.clock import Instant
from agent.domain.reading import Flag


def told(
    seq: int, alarm: Alarm, active: bool, occurrence: int, raised: str, at: Instant, value: float, message: str
) -> AlarmChange:
    """That the alarm was raised, or (not `active`) cleared, by a good value and with nobody doing anything about it."""
    event, state = (Event.RAISED, AlarmState.UNACKNOWLEDGED) if active else (Event.CLEARED, AlarmState.RETURNED)
    standing = Standing(state, active, occurrence, raised, since_s=at.boot_s)
    return AlarmChange(seq, alarm, event, standing, at, value, Flag.GOOD, message)
